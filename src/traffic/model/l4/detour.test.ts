// A detour changes where pods are led, and no other way to a Service.
// Knows no kernel.
import { expect, it } from 'vitest';
import { l4Endpoint, l4Port } from '#traffic/snapshot/rules/testing.ts';
import { withDetour } from './detour.ts';

const detours = new Map([['shop/web:http/IPv4', { address: '10.240.0.11', port: 40_001 }]]);
const web = { service: 'shop/web', portName: 'http', endpoints: [l4Endpoint('10.244.0.2')] };

it('leaves a port alone that has none', () => {
  const other = l4Port({ ...web, portName: 'admin' });
  expect(withDetour(other, detours, 'n1')).toEqual([other]);
});

it('leads pods to the proxy of their node, without the preferences of the Service', () => {
  const port = l4Port({ ...web, internalLocal: true, affinitySeconds: 60 });
  const [inside, ...more] = withDetour(port, detours, 'n1');
  expect(more).toEqual([]);
  expect(inside).toMatchObject({
    name: port.name,
    clusterIP: port.clusterIP,
    internalLocal: false,
    affinitySeconds: 0,
  });
  expect(inside?.endpoints).toMatchObject([{ address: '10.240.0.11', port: 40_001, node: 'n1', ready: true }]);
});

it('leads who comes from outside straight to endpoints, as before', () => {
  const port = l4Port({ ...web, nodePort: 30_080, externalIPs: ['192.0.2.1'] });
  const [inside, outside] = withDetour(port, detours, 'n1');
  expect(inside).toMatchObject({ clusterIP: port.clusterIP, nodePort: 0, externalIPs: [] });
  expect(outside).toEqual({ ...port, clusterIP: '' });
  expect(inside?.name).not.toBe(outside?.name);
});
