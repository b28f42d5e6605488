// What is read from a Service: families, ports, sharing, and wishes with their mistakes.
// Pure; what comes of a claim is the allocator's matter.
import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { formatAddress } from '#lib/address-range.ts';
import { claimOf } from './claim.ts';

function service(spec: ServiceSpec, annotations: Record<string, string> = {}): Service & KubeObject {
  return {
    metadata: { name: 'web', namespace: 'shop', uid: 'u', annotations },
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.7', ports: [{ port: 80 }], ...spec },
  };
}

function read(spec: ServiceSpec, annotations: Record<string, string> = {}) {
  const claim = claimOf(service(spec, annotations), {});
  if ('reason' in claim) throw new Error(claim.message);
  return claim;
}

describe('A claim', () => {
  it('has the ports, the namespace and the families of its Service', () => {
    const claim = read({
      ipFamilies: ['IPv6', 'IPv4'],
      ipFamilyPolicy: 'RequireDualStack',
      clusterIPs: ['fd00::7', '10.96.0.7'],
      ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }],
    });
    expect(claim).toMatchObject({ key: 'shop/web', families: [6, 4], needsAll: true, ports: ['UDP/53', 'TCP/53'] });
  });

  it('takes the families of the cluster IPs where none are named', () => {
    expect(read({ clusterIPs: ['fd00::7'] }).families).toEqual([6]);
    expect(read({}).families).toEqual([4]);
  });

  it('goes to the same backends for Cluster, and for Local by selector', () => {
    expect(read({ selector: { b: '1', a: '2' } }).backends).toBe(read({}).backends);
    const local = { externalTrafficPolicy: 'Local' };
    expect(read({ ...local, selector: { b: '1', a: '2' } }).backends).toBe(
      read({ ...local, selector: { a: '2', b: '1' } }).backends,
    );
    expect(read({ ...local, selector: { a: '2' } }).backends).not.toBe(read(local).backends);
    expect(read(local).backends).not.toBe(read({}).backends);
  });

  it.each(['evenkeel.dev', 'metallb.io', 'metallb.universe.tf'])('reads the annotations of %s', (prefix) => {
    const claim = read(
      { clusterIPs: ['10.96.0.7', 'fd00::7'] },
      {
        [`${prefix}/loadBalancerIPs`]: '192.0.2.1, fd00::1',
        [`${prefix}/address-pool`]: 'gold',
        [`${prefix}/allow-shared-ip`]: 'k',
      },
    );
    expect(claim).toMatchObject({ pool: 'gold', sharingKey: 'k' });
    expect(claim.addresses.map(formatAddress)).toEqual(['192.0.2.1', 'fd00::1']);
  });

  it('hears ours before the others, and theirs before their former ones', () => {
    const annotations = {
      'metallb.universe.tf/address-pool': 'c',
      'metallb.io/address-pool': 'b',
      'evenkeel.dev/address-pool': 'a',
    };
    expect(read({}, annotations).pool).toBe('a');
    const { 'evenkeel.dev/address-pool': _, ...rest } = annotations;
    expect(read({}, rest).pool).toBe('b');
    expect(read({}, { ...rest, 'metallb.io/address-pool': '' }).pool).toBeUndefined();
  });

  it('may name its address twice', () => {
    const claim = read({ loadBalancerIP: '192.0.2.1' }, { 'metallb.io/loadBalancerIPs': '192.0.2.1' });
    expect(claim.addresses.map(formatAddress)).toEqual(['192.0.2.1']);
  });

  const ips = (text: string) => ({ 'evenkeel.dev/loadBalancerIPs': text });
  const mistakes: readonly (readonly [
    reason: string,
    message: string,
    spec: ServiceSpec,
    annotations?: Record<string, string>,
  ])[] = [
    ['NoClusterIP', 'clusterIP: None', { clusterIP: 'None' }],
    ['NoClusterIP', 'no cluster IP', { clusterIP: '' }],
    ['NotDualStack', 'PreferDualStack', { ipFamilyPolicy: 'RequireDualStack' }],
    ['InvalidRequest', 'spec.loadBalancerIP: "web" is no IP address', { loadBalancerIP: 'web' }],
    ['InvalidRequest', '"192.0.2.300" is no IP address', {}, ips('192.0.2.1,192.0.2.300')],
    ['InvalidRequest', 'one of each family', {}, ips('192.0.2.1,192.0.2.2')],
    ['ConflictingRequests', 'remove one of the two', { loadBalancerIP: '192.0.2.2' }, ips('192.0.2.1')],
    ['FamilyMismatch', 'the Service is of IPv4 only', {}, ips('fd00::1')],
    [
      'FamilyMismatch',
      'ask for an address of each family',
      { clusterIPs: ['10.96.0.7', 'fd00::7'], ipFamilyPolicy: 'RequireDualStack' },
      ips('192.0.2.1'),
    ],
  ];
  it.each(mistakes.map(([reason, message, spec, annotations = {}]) => [reason, message, spec, annotations] as const))(
    'is refused with %s: %s',
    (reason, message, spec, annotations) => {
      const refused = claimOf(service(spec, annotations), {});
      expect(refused).toMatchObject({ reason });
      expect('message' in refused && refused.message).toContain(message);
    },
  );
});
