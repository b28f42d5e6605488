// One broken object changes nothing for others: whatever is wrong with one, everything of the rest comes out the same.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { objectsOf, readAuthorities, readCertificate } from './testing.ts';
import { type GatewayPart, translateGateways } from './translate-gateways.ts';

const options = { readCertificate, readAuthorities };

const sound = [
  { kind: 'GatewayClass', metadata: { name: 'evenkeel' }, spec: { controllerName: 'evenkeel.dev/gateway-controller' } },
  { kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } },
  {
    kind: 'Gateway',
    metadata: { name: 'shop' },
    spec: { gatewayClassName: 'evenkeel', listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }] },
  },
  {
    kind: 'HTTPRoute',
    metadata: { name: 'web' },
    spec: {
      parentRefs: [{ name: 'shop' }],
      hostnames: ['shop.example'],
      rules: [{ backendRefs: [{ name: 'web', port: 80 }] }],
    },
  },
] as readonly unknown[] as readonly KubeObject[];

const junk = fc.oneof(
  fc.constant(null),
  fc.constant(undefined),
  fc.integer(),
  fc.string(),
  fc.constant([]),
  fc.constant({}),
  fc.constant([null]),
  fc.constant([{}]),
);

/** An object that looks like one in places. */
const spec = fc.record(
  {
    gatewayClassName: fc.oneof(fc.constant('evenkeel'), junk),
    parentRefs: fc.oneof(fc.constant([{ name: 'shop' }]), fc.constant([{ name: 'broken' }]), junk),
    parentRef: fc.oneof(fc.constant({ name: 'broken' }), junk),
    hostnames: fc.oneof(fc.constant(['broken.example']), junk),
    listeners: fc.oneof(
      fc.constant([{ name: 'a', protocol: 'HTTP', port: 80 }]),
      fc.array(
        fc.record({ name: junk, protocol: junk, port: junk, tls: junk, allowedRoutes: junk }, { requiredKeys: [] }),
      ),
      junk,
    ),
    rules: fc.oneof(
      fc.array(
        fc.record(
          { matches: junk, filters: junk, backendRefs: junk, timeouts: junk, retry: junk },
          { requiredKeys: [] },
        ),
      ),
      junk,
    ),
    from: junk,
    to: junk,
    targetRefs: junk,
    validation: junk,
    addresses: junk,
    infrastructure: junk,
    tls: junk,
    controllerName: junk,
  },
  { requiredKeys: [] },
);

const broken = fc.record({
  kind: fc.constantFrom(
    'GatewayClass',
    'Gateway',
    'ListenerSet',
    'HTTPRoute',
    'GRPCRoute',
    'TLSRoute',
    'TCPRoute',
    'UDPRoute',
    'ReferenceGrant',
    'BackendTLSPolicy',
  ),
  metadata: fc.constant({ name: 'broken', creationTimestamp: '2020-01-01T00:00:00Z' }),
  spec: fc.oneof(spec, junk),
});

function ofOthers(part: GatewayPart): unknown {
  const hosts = [...part.virtualHosts].filter(([name]) => name.endsWith('/shop.example'));
  const sockets = [...part.listeners].filter(([name]) => name.includes('/shop:'));
  const statuses = part
    .statusesOf(new Map())
    .filter(({ kind, key }) => kind !== 'GatewayClass' && key !== 'default/broken')
    // How many routes there are is about the broken one as well.
    .map((status) => JSON.stringify(status).replace(/"attachedRoutes":\d+/g, ''));
  return { hosts, sockets, statuses };
}

describe('a broken object', () => {
  it('costs nobody else anything', () => {
    const before = ofOthers(translateGateways(objectsOf(sound), options));
    fc.assert(
      fc.property(fc.array(broken, { minLength: 1, maxLength: 3 }), (objects) => {
        const part = translateGateways(objectsOf([...sound, ...(objects as KubeObject[])]), options);
        expect(ofOthers(part)).toEqual(before);
      }),
      { numRuns: 2000 },
    );
  });
});
