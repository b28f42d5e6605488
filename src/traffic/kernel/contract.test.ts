// When established UDP flows have to go.
import { expect, it } from 'vitest';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { compilePort } from '#traffic/snapshot/rules/compile.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { hasStaleFlows } from './contract.ts';

it('UDP flows are stale once an endpoint stopped serving and another one serves', () => {
  const [a, b] = [l4Endpoint('10.244.0.2'), l4Endpoint('10.244.0.3')];
  const rules = (facts: Partial<L4ServicePort>) => compilePort(l4Port({ protocol: 'UDP', ...facts }), nodeFacts());
  const both = rules({ endpoints: [a, b] });
  expect(hasStaleFlows(both, rules({ endpoints: [a] }))).toBe(true);
  // Terminating ones keep their flows as long as they serve.
  const leaving = { ...b, ready: false, terminating: true };
  expect(hasStaleFlows(both, rules({ endpoints: [a, leaving] }))).toBe(false);
  expect(hasStaleFlows(both, rules({ endpoints: [] }))).toBe(false);
  expect(hasStaleFlows(undefined, both)).toBe(true);
  expect(hasStaleFlows(both, undefined)).toBe(false);
  const tcp = compilePort(l4Port({ endpoints: [a] }), nodeFacts());
  expect(hasStaleFlows(undefined, tcp)).toBe(false);
});
