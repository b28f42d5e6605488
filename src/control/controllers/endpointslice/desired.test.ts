// Endpoints of each address family, and the hints that traffic distribution gives them.
// Pods and nodes in, endpoints out; no slices.
import type { Node, Pod, Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { addressTypes, desiredGroups, withHints } from './desired.ts';

const service = (spec: Partial<ServiceSpec> = {}): Service => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});

function pod(name: string, nodeName: string, ips: string[], ready = true): Pod {
  return {
    metadata: { name, namespace: 'default', uid: name },
    spec: { nodeName, containers: [] },
    status: {
      phase: 'Running',
      ...(ips[0] === undefined ? {} : { podIP: ips[0] }),
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

const nodes = new Map<string, Node>([
  ['n1', { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'a' } } }],
  ['bare', { metadata: { name: 'bare' } }],
]);
const nodeOf = (name: string): Node | undefined => nodes.get(name);

describe('endpoints of a family', () => {
  const pods = [pod('a', 'n1', ['10.244.0.2', 'fd00::2']), pod('b', 'n1', ['10.244.0.3'])];
  const addresses = (type: 'IPv4' | 'IPv6'): unknown[] =>
    desiredGroups(service(), pods, nodeOf, type).flatMap(({ endpoints }) =>
      endpoints.flatMap((each) => each.addresses),
    );

  it('are the pods that have an address of it', () => {
    expect(addresses('IPv4')).toEqual(['10.244.0.2', '10.244.0.3']);
    expect(addresses('IPv6')).toEqual(['fd00::2']);
  });

  it('are wanted for each family of the Service', () => {
    expect(addressTypes(service({ ipFamilies: ['IPv6', 'IPv4'] }))).toEqual(['IPv6', 'IPv4']);
    expect(addressTypes(service({ clusterIP: 'fd00:96::1' }))).toEqual(['IPv6']);
    expect(addressTypes(service())).toEqual(['IPv4']);
  });
});

describe('hints', () => {
  const pods = [
    pod('a', 'n1', ['10.244.0.2']),
    pod('b', 'bare', ['10.244.1.2']),
    pod('c', 'n1', ['10.244.0.3'], false),
  ];
  const hints = (trafficDistribution?: string): unknown[] => {
    const wanted = service(trafficDistribution === undefined ? {} : { trafficDistribution });
    return withHints(wanted, desiredGroups(wanted, pods, nodeOf, 'IPv4')).flatMap(({ endpoints }) =>
      endpoints.map((each) => each.hints),
    );
  };

  it('name the zone of each ready endpoint that has one', () => {
    for (const close of ['PreferClose', 'PreferSameZone']) {
      expect(hints(close)).toEqual([{ forZones: [{ name: 'a' }] }, undefined, undefined]);
    }
  });

  it('name the node as well where that is preferred, also of a node without a zone', () => {
    expect(hints('PreferSameNode')).toEqual([
      { forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] },
      { forNodes: [{ name: 'bare' }] },
      undefined,
    ]);
  });

  it('are none without a preference', () => {
    expect(hints()).toEqual([undefined, undefined, undefined]);
  });
});
