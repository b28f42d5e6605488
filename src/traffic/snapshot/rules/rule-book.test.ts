// The rule book after many changes: what it keeps as it goes is what a new one finds.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { RuleBook } from './rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from './testing.ts';

const port = fc
  .record({
    service: fc.constantFrom('a/x', 'a/y', 'b/x', 'b/z'),
    family: fc.constantFrom('IPv4' as const, 'IPv6' as const),
    address: fc.constantFrom(1, 2),
    nodePort: fc.constantFrom(0, 30_080),
    healthCheckNodePort: fc.constantFrom(0, 30_100, 30_101),
    ready: fc.boolean(),
  })
  .map(({ address, ready, ...facts }): L4ServicePort => {
    const six = facts.family === 'IPv6';
    const endpoint = l4Endpoint(six ? 'fd00:10:244::2' : '10.244.0.2', { node: 'n1', ready });
    return l4Port({
      ...facts,
      clusterIP: six ? `fd00:10:96::${address}` : `10.96.0.${address}`,
      endpoints: [endpoint],
    });
  });

it('has the same conflicts, health checks, counts and rules as a book that is told everything at once', () => {
  const change = fc.record({ port, gone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (steps) => {
      const book = new RuleBook(nodeFacts());
      const ports = new Map<string, L4ServicePort>();
      for (const step of steps) {
        const changes = new Map(step.map(({ port: one, gone }) => [one.name, gone ? undefined : one]));
        for (const [name, one] of changes) {
          if (one === undefined) ports.delete(name);
          else ports.set(name, one);
        }
        book.change(changes);
        const fresh = new RuleBook(nodeFacts());
        fresh.change(ports);
        const sorted = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
        expect(sorted(book.conflicts())).toEqual(sorted(fresh.conflicts()));
        expect(book.counts).toEqual(fresh.counts);
        expect(new Map(book.healthChecks().map((rule) => [rule.service, rule.localEndpoints]))).toEqual(
          new Map(fresh.healthChecks().map((rule) => [rule.service, rule.localEndpoints])),
        );
        expect(new Map([...book.model.ports].sort())).toEqual(new Map([...fresh.model.ports].sort()));
      }
    }),
  );
});
