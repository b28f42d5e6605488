// Whom a Service port sends a client to.
import { expect, it } from 'vitest';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { compilePort } from './compile.ts';
import { PortChooser } from './port-chooser.ts';
import type { PortRules } from './rule-model.ts';
import { l4Endpoint, l4Port, nodeFacts } from './testing.ts';

const [a, b, c] = ['10.244.0.2', '10.244.0.3', '10.244.1.2'].map((address) => l4Endpoint(address)) as [
  ReturnType<typeof l4Endpoint>,
  ReturnType<typeof l4Endpoint>,
  ReturnType<typeof l4Endpoint>,
];
const rulesOf = (facts: Partial<L4ServicePort>): PortRules => compilePort(l4Port(facts), nodeFacts());
const CLIENT = '198.51.100.7';

it('follows chance over slots, and tries others where one refused', () => {
  let drawn = 0;
  const rules = rulesOf({ endpoints: [a, { ...b, weight: 3 }] });
  const chooser = new PortChooser(rules, { random: () => drawn });
  const found = [0, 0.25, 0.5, 0.99].map((one) => {
    drawn = one;
    return chooser.choose('cluster', CLIENT, 0)?.address;
  });
  expect(found).toEqual([a.address, b.address, b.address, b.address]);
  drawn = 0.5;
  const [first, second] = rules.sets.cluster;
  if (first === undefined || second === undefined) throw new Error('No endpoints');
  expect(chooser.choose('cluster', CLIENT, 0, [second])).toBe(first);
  expect(chooser.choose('cluster', CLIENT, 0, [first, second])).toBeUndefined();
  expect(chooser.choose('local', CLIENT, 0)).toBeUndefined();
});

it('a hash of the client alone decides where that is asked for', () => {
  const chance = (): never => {
    throw new Error('No chance is wanted');
  };
  const rules = rulesOf({ endpoints: [a, b, c], pick: 'source_hash' });
  const clients = Array.from({ length: 50 }, (_, at) => `198.51.100.${at}`);
  const [one, other] = [1, 2].map(() => {
    const chooser = new PortChooser(rules, { random: chance });
    return clients.map((client) => chooser.choose('cluster', client, 0)?.address);
  });
  expect(one).toEqual(other);
  expect(new Set(one).size).toBe(3);
});

it('a client stays, until its endpoint leaves or it was away for too long', () => {
  let drawn = 0;
  const sticky = (...endpoints: (typeof a)[]): PortRules => rulesOf({ endpoints, affinitySeconds: 10 });
  const chooser = new PortChooser(sticky(a, b), { random: () => drawn });
  const ask = (now: number): string | undefined => chooser.choose('cluster', CLIENT, now)?.address;
  expect(ask(0)).toBe(a.address);
  drawn = 0.9;
  expect(ask(9_000)).toBe(a.address);
  // Each time begins anew.
  expect(ask(18_000)).toBe(a.address);
  expect(ask(29_000)).toBe(b.address);
  drawn = 0;
  chooser.rules = sticky(a, c);
  expect(ask(30_000)).toBe(a.address);
  chooser.rules = sticky(a, b, c);
  drawn = 0.5;
  expect(ask(31_000)).toBe(a.address);
  // What was remembered is forgotten where it is not asked for any more.
  chooser.rules = rulesOf({ endpoints: [a, b, c] });
  chooser.rules = sticky(a, b, c);
  expect(ask(32_000)).toBe(b.address);
});
