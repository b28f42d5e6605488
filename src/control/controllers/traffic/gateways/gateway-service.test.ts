// The Service of a Gateway: its name, what it asks the pools for, and what their answers mean.
import type { Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { objectsOf, readAuthorities, readCertificate } from '#traffic/model/gateway/testing.ts';
import { translateGateways } from '#traffic/model/gateway/translate-gateways.ts';
import { addressesFrom, serviceFor, serviceNameOf } from './gateway-service.ts';

function gateway(name: string, more: object = {}): Gateway {
  return {
    kind: 'Gateway',
    metadata: { namespace: 'shop', name, uid: `uid of ${name}` },
    spec: {
      gatewayClassName: 'evenkeel',
      listeners: [
        { name: 'a', protocol: 'HTTP', port: 80, hostname: 'a.example' },
        { name: 'b', protocol: 'HTTP', port: 80, hostname: 'b.example' },
        { name: 'dns', protocol: 'UDP', port: 53 },
        { name: 'odd', protocol: 'example.com/odd', port: 99 },
      ],
      ...more,
    },
  } as Gateway;
}

function wanted(of: Gateway): (Service & KubeObject) | undefined {
  const ours = {
    kind: 'GatewayClass',
    metadata: { name: 'evenkeel' },
    spec: { controllerName: 'evenkeel.dev/gateway-controller' },
  };
  const { gateways } = translateGateways(objectsOf([ours as KubeObject, of]), { readCertificate, readAuthorities });
  return gateways[0] === undefined ? undefined : serviceFor(gateways[0]);
}

describe('the Service of a Gateway', () => {
  it('has a port for each that listeners name, labels and annotations of its infrastructure, and the Gateway as owner', () => {
    const service = wanted(
      gateway('web', {
        addresses: [{ value: '192.0.2.7' }, { value: '192.0.2.8' }, { type: 'IPAddress', value: '2001:db8::7' }, {}],
        infrastructure: { labels: { team: 'a' }, annotations: { note: 'x' } },
      }),
    );
    expect(service?.metadata).toMatchObject({
      namespace: 'shop',
      name: 'web-evenkeel',
      labels: { team: 'a', 'gateway.networking.k8s.io/gateway-name': 'web' },
      annotations: { note: 'x', 'evenkeel.dev/loadBalancerIPs': '192.0.2.7,2001:db8::7' },
      ownerReferences: [{ kind: 'Gateway', name: 'web', uid: 'uid of web', controller: true }],
    });
    expect(service?.spec?.ports).toEqual([
      { name: 'tcp-80', port: 80, protocol: 'TCP' },
      { name: 'udp-53', port: 53, protocol: 'UDP' },
    ]);
  });

  it('is not made for a Gateway that cannot be accepted', () => {
    expect(wanted(gateway('odd', { addresses: [{ type: 'Hostname', value: 'a.example' }] }))).toBeUndefined();
  });

  it.each(['web', 'WEB.example', '1st', 'a'.repeat(80), '...'])(
    'has a name that a Service may have, for "%s"',
    (name) => {
      expect(serviceNameOf(gateway(name))).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      expect(serviceNameOf(gateway(name))).not.toBe(serviceNameOf(gateway(`${name}x`)));
    },
  );

  const owned = (status: object): Service =>
    ({
      metadata: { namespace: 'shop', name: 'web-evenkeel', ownerReferences: [{ uid: 'uid of web' }] },
      status,
    }) as Service;

  it('tells where the Gateway is served, and why it is nowhere', () => {
    const given = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } };
    expect(addressesFrom(gateway('web'), owned(given))).toEqual({ addresses: ['192.0.2.7'], inside: [] });
    expect(addressesFrom(gateway('web'), undefined)).toEqual({ addresses: [] });
    const refused = owned({
      conditions: [{ type: 'evenkeel.dev/AddressAssigned', status: 'False', message: 'All are given out' }],
    });
    expect(addressesFrom(gateway('web'), refused).fault).toMatchObject({
      reason: 'AddressNotAssigned',
      message: expect.stringContaining('All are given out'),
    });
    const asks = gateway('web', { addresses: [{ value: '192.0.2.9' }] });
    expect(addressesFrom(asks, refused).fault?.reason).toBe('AddressNotUsable');
    expect(addressesFrom(asks, owned({ loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } })).fault).toBeUndefined();
  });

  it('leaves a Service of somebody else alone, and says so', () => {
    const theirs = { metadata: { namespace: 'shop', name: 'web-evenkeel' } } as Service;
    expect(addressesFrom(gateway('web'), theirs).fault?.message).toContain('Service "shop/web-evenkeel" is in the way');
  });
});
