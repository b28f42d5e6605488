// What is kept of Services and slices for layer 4, held to what its translation asks for.

import fc from 'fast-check';
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { expect, it } from 'vitest';
import { l4Endpoints } from './endpoints.ts';
import { isOnAny, packSlice, unpackSlice } from './packed-slice.ts';
import { translateL4 } from './translate-l4.ts';
import { trimService } from './trims.ts';

const service: Service = {
  metadata: {
    namespace: 'shop',
    name: 'web',
    uid: '1',
    resourceVersion: '7',
    labels: { app: 'web' },
    annotations: { 'evenkeel.dev/balancing-policy': 'maglev', 'meta.helm.sh/release-name': 'web' },
    managedFields: [{ manager: 'helm' }],
  },
  spec: {
    type: 'LoadBalancer',
    selector: { app: 'web' },
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10', 'fd00::10'],
    externalIPs: ['192.0.2.9'],
    ports: [
      { name: 'http', port: 80, targetPort: 8080, nodePort: 30_080 },
      { name: 'dns', port: 53, protocol: 'UDP', appProtocol: 'x' },
    ],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_000,
    loadBalancerSourceRanges: ['192.0.2.0/24'],
  },
  status: { loadBalancer: { ingress: [{ ip: '203.0.113.5', ipMode: 'VIP' }] }, conditions: [] },
};

const slice = {
  metadata: {
    namespace: 'shop',
    name: 'web-1',
    labels: { 'kubernetes.io/service-name': 'web', app: 'web' },
    annotations: {
      'evenkeel.dev/weight': '7',
      'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z',
    },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: '1' }],
  },
  addressType: 'IPv4',
  ports: [
    { name: 'http', port: 8080, protocol: 'TCP' },
    { name: 'dns', port: 5353, protocol: 'UDP' },
  ],
  endpoints: [
    {
      addresses: ['10.244.0.2'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'n1',
      zone: 'a',
      hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] },
      targetRef: { kind: 'Pod', name: 'web-a', namespace: 'shop' },
    },
    { addresses: ['10.244.0.3'], conditions: { ready: false } },
  ],
} as EndpointSlice;

const kept = (one: EndpointSlice): EndpointSlice => unpackSlice(packSlice(one));

it('translates what is kept as it translates the whole', () => {
  const bare: Service = { metadata: { namespace: 'shop', name: 'bare' }, spec: { clusterIP: '10.96.0.11' } };
  const cases: (readonly [Service, readonly EndpointSlice[]])[] = [
    [service, [slice]],
    [service, []],
    [{ ...service, spec: { ...service.spec, clusterIPs: ['10.96.0.10'], sessionAffinity: 'None' } }, [slice]],
    [{ ...service, spec: { ...service.spec, type: 'ExternalName' } }, [slice]],
    [bare, [{ metadata: {}, addressType: 'IPv6', endpoints: [] }]],
  ];
  for (const [one, slices] of cases) {
    expect(translateL4(trimService(one), slices.map(kept))).toEqual(translateL4(one, slices));
  }
});

/** The object, and the paths of the members that were asked for. */
function watched<T extends object>(object: T): { readonly seen: T; readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>();
  const wrap = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    return new Proxy(value, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name);
        if (typeof name !== 'string' || typeof found === 'function' || name === 'length') return found;
        const own = Array.isArray(target) ? path : `${path}.${name}`;
        asked.add(own);
        return wrap(found, own);
      },
    });
  };
  return { seen: wrap(object, '') as T, asked };
}

/** Paths of everything that is kept; elements of a list share theirs. */
function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const own = Array.isArray(value) ? path : `${path}.${name}`;
    return [own, ...pathsOf(member, own)];
  });
}

it('keeps every field that the translation asks for', () => {
  const ofService = watched(service);
  const ofSlice = watched(slice);
  translateL4(ofService.seen, [ofSlice.seen]);
  for (const port of service.spec?.ports ?? []) l4Endpoints(port, [ofSlice.seen]);
  // Of these, all are kept that there are: the fixture has none that is asked for.
  const byPrefix = /^\.metadata\.(labels$|labels\.service\.kubernetes\.io\/|annotations\.evenkeel\.dev\/)/;
  const lost = (asked: ReadonlySet<string>, rest: unknown): string[] => {
    const paths = new Set(pathsOf(rest));
    return [...asked].filter((path) => path !== '' && !paths.has(path) && !byPrefix.test(path));
  };
  expect(lost(ofService.asked, trimService(service))).toEqual([]);
  expect(lost(ofSlice.asked, kept(slice))).toEqual([]);
});

it('leaves an object of unforeseen shape to whoever translates it', () => {
  const odd = { metadata: {}, addressType: 'IPv4', endpoints: [{}] } as unknown as EndpointSlice;
  expect(kept(odd)).toBe(odd);
});

it('tells conditions that are left out from those that are false, whatever else there is', () => {
  const state = fc.constantFrom(undefined, true, false);
  const zones = [{ name: 'a' }];
  const endpoint = fc.record({
    conditions: fc.record({ ready: state, serving: state, terminating: state }),
    nodeName: fc.constantFrom(undefined, 'n1'),
    hints: fc.constantFrom(undefined, { forZones: zones }),
  });
  fc.assert(
    fc.property(fc.array(endpoint), (endpoints) => {
      const one = { ...slice, endpoints: endpoints.map((rest, at) => ({ ...rest, addresses: [`10.0.0.${at}`] })) };
      expect(kept(one).endpoints).toEqual(one.endpoints);
    }),
  );
});

it('holds what many slices have in common once, and nothing that nobody asks for', () => {
  const [one, other] = [packSlice(slice), packSlice(structuredClone(slice))];
  expect(one.head).toBe(other.head);
  expect(JSON.stringify(one)).not.toContain('web-a');
  expect(one).toMatchObject({ service: 'shop/web', changed: Date.parse('2026-01-01T00:00:00Z') });
});

it('knows by a packed slice on which nodes its endpoints are', () => {
  const endpoints = [{ addresses: ['10.244.0.2'], nodeName: 'n1' }, { addresses: ['10.244.0.3'] }];
  const packed = packSlice({
    metadata: { name: 'web-a', namespace: 'shop' },
    addressType: 'IPv4',
    endpoints,
  } as object);
  expect(isOnAny(packed, new Set(['n2', 'n1']))).toBe(true);
  expect(isOnAny(packed, new Set(['n', 'n11']))).toBe(false);
  // What cannot be packed may be anywhere.
  expect(isOnAny(packSlice({ metadata: {}, endpoints: [undefined] } as object), new Set(['n2']))).toBe(true);
});
