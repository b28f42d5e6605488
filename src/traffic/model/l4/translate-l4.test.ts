// Services and slices as the API gives them, and what layer 4 makes of each field.
import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { expect, it } from 'vitest';
import { translateL4 } from './translate-l4.ts';

function service(spec: ServiceSpec, more: Partial<Service> = {}): Service {
  return {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ port: 80 }], ...spec },
    ...more,
  };
}

function slice(addressType: 'IPv4' | 'IPv6', endpoints: EndpointSlice['endpoints'], labels = {}): EndpointSlice {
  return {
    metadata: { namespace: 'shop', name: `web-${addressType}`, labels },
    addressType,
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints,
  };
}

const only = (found: ReturnType<typeof translateL4>) => [...found.values()][0];

it('a family at a time, each with its own addresses and endpoints', () => {
  const both = service({ clusterIPs: ['10.96.0.10', 'fd00::10'], externalIPs: ['192.0.2.9', '2001:DB8::9'] });
  const found = translateL4(both, [
    slice('IPv4', [{ addresses: ['10.244.0.2'], nodeName: 'n1' }]),
    slice('IPv6', [{ addresses: ['fd00:244::2'] }]),
  ]);
  expect([...found.keys()]).toEqual(['shop/web:80/TCP/IPv4', 'shop/web:80/TCP/IPv6']);
  expect([...found.values()]).toMatchObject([
    { clusterIP: '10.96.0.10', externalIPs: ['192.0.2.9'], endpoints: [{ address: '10.244.0.2', node: 'n1' }] },
    { clusterIP: 'fd00::10', externalIPs: ['2001:db8::9'], endpoints: [{ address: 'fd00:244::2', node: '' }] },
  ]);
});

it('leaves out what is headless, a name, or for another proxy', () => {
  expect(translateL4(service({ clusterIP: 'None', clusterIPs: ['None'] }), []).size).toBe(0);
  expect(translateL4(service({ type: 'ExternalName', clusterIP: '' }), []).size).toBe(0);
  for (const label of ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']) {
    const labels = { [label]: '' };
    expect(translateL4(service({}, { metadata: { namespace: 'shop', name: 'web', labels } }), []).size).toBe(0);
    const found = translateL4(service({}), [slice('IPv4', [{ addresses: ['10.244.0.2'] }], labels)]);
    expect(only(found)?.endpoints).toEqual([]);
  }
});

it('reads conditions that are left out as upstream does', () => {
  const found = translateL4(service({}), [slice('IPv4', [{ addresses: ['10.244.0.2'] }])]);
  expect(only(found)?.endpoints).toMatchObject([{ ready: true, serving: true, terminating: false }]);
});

it('takes the addresses of a load balancer, and its source ranges', () => {
  const spec: ServiceSpec = { type: 'LoadBalancer', loadBalancerSourceRanges: [' 192.0.2.7/24 ', '2001:db8::/32'] };
  const ingress = [{ ip: '203.0.113.5' }, { ip: '203.0.113.6', ipMode: 'Proxy' }, { hostname: 'lb.test' }];
  const status = { loadBalancer: { ingress } };
  expect(only(translateL4(service(spec, { status }), []))).toMatchObject({
    loadBalancerIPs: ['203.0.113.5'],
    loadBalancerSources: ['192.0.2.0/24'],
  });
  const open = service({ ...spec, loadBalancerSourceRanges: ['192.0.2.0/24', '0.0.0.0/0'] }, { status });
  expect(only(translateL4(open, []))?.loadBalancerSources).toBeUndefined();
});

it('has a health port only for a load balancer whose policy is Local', () => {
  const local: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 };
  expect(only(translateL4(service(local), []))?.healthCheckNodePort).toBe(31_000);
  expect(only(translateL4(service({ ...local, type: 'NodePort' }), []))?.healthCheckNodePort).toBe(0);
  expect(only(translateL4(service({ externalTrafficPolicy: 'Local' }), []))?.externalLocal).toBe(false);
  const external = service({ externalTrafficPolicy: 'Local', externalIPs: ['192.0.2.9'] });
  expect(only(translateL4(external, []))?.externalLocal).toBe(true);
});

it('keeps inside traffic on the node where its policy says so', () => {
  expect(only(translateL4(service({}), []))?.internalLocal).toBe(false);
  expect(only(translateL4(service({ internalTrafficPolicy: 'Cluster' }), []))?.internalLocal).toBe(false);
  expect(only(translateL4(service({ internalTrafficPolicy: 'Local' }), []))?.internalLocal).toBe(true);
});

it('keeps a client with its endpoint for as long as the affinity says, and for three hours otherwise', () => {
  const seconds = (spec: ServiceSpec): number | undefined => only(translateL4(service(spec), []))?.affinitySeconds;
  expect(seconds({})).toBe(0);
  expect(seconds({ sessionAffinity: 'None' })).toBe(0);
  expect(seconds({ sessionAffinity: 'ClientIP' })).toBe(10_800);
  const sessionAffinityConfig = { clientIP: { timeoutSeconds: 60 } };
  expect(seconds({ sessionAffinity: 'ClientIP', sessionAffinityConfig })).toBe(60);
});

it('hands on for which zones and nodes an endpoint is meant', () => {
  const hints = { forZones: [{ name: 'a' }, { name: 'b' }], forNodes: [{ name: 'n1' }] };
  const endpoints = [{ addresses: ['10.244.0.2'], hints }, { addresses: ['10.244.0.3'] }];
  expect(only(translateL4(service({}), [slice('IPv4', endpoints)]))?.endpoints).toMatchObject([
    { hintedZones: ['a', 'b'], hintedNodes: ['n1'] },
    { hintedZones: [], hintedNodes: [] },
  ]);
});
