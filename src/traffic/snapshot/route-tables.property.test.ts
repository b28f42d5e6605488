// Tables that have followed single routes, hosts and listeners answer like those made at once.
// Knows nothing of clusters; what a fresh table has to answer is held by the tests of its parts.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Route, VirtualHost } from '#traffic/model/ir.ts';
import type { RequestView } from './request-view.ts';
import { RouteTables } from './route-tables.ts';

const PATHS = ['/', '/a', '/a/', '/a/b', '/ab', '/a/b/c', '/abc', '/b', '/x/y', '/x/z'];
const path = fc.oneof(
  fc.tuple(fc.constantFrom('exact' as const, 'prefix' as const), fc.constantFrom(...PATHS)),
  fc.tuple(fc.constant('regex' as const), fc.constantFrom('/a.*', '/x/.', '/[ab]+')),
);
let made = 0;
const route = fc.tuple(path, fc.option(fc.constantFrom('GET', 'POST'), { nil: undefined })).map(
  ([[type, value], method]): Route => ({
    name: `r${made++}`,
    metricName: '',
    path: { type, value },
    ...(method === undefined ? {} : { method }),
    action: { type: 'respond', status: 503, reason: '' },
  }),
);
const head = fc.record({
  hostname: fc.constantFrom('a.local', '*.local', '*', 'b.local'),
  wildcard: fc.constantFrom('one-label' as const, 'any-labels' as const),
  listeners: fc.constantFrom(undefined, ['one'], ['two'], ['one', 'two']),
});
type Step =
  | { readonly type: 'host'; readonly name: string; readonly host: VirtualHost | undefined }
  | {
      readonly type: 'edit';
      readonly name: string;
      readonly at: number;
      readonly remove: number;
      readonly add: readonly Route[];
    };
const name = fc.constantFrom('p', 'q', 'r');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('host' as const),
      name,
      host: fc.option(
        fc.tuple(head, fc.array(route, { minLength: 10, maxLength: 24 })).map(([some, routes]): VirtualHost => {
          const { listeners, ...rest } = some;
          return { ...rest, routes, ...(listeners === undefined ? {} : { listeners }) };
        }),
        { nil: undefined, freq: 8 },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('edit' as const),
      name,
      at: fc.nat(30),
      remove: fc.nat(2),
      add: fc.array(route, { maxLength: 2 }),
    }),
  },
);

function answers(tables: RouteTables): unknown {
  return ['one', 'two', 'three'].flatMap((listener) =>
    ['a.local', 'b.local', 'x.local', 'x.y.local', 'other'].flatMap((host) => [
      tables.virtualHost(listener, host)?.name,
      ...[...PATHS, '/a/b/c/d', '/q', '*', '/aab'].flatMap((target) =>
        ['GET', 'POST', 'PUT'].map((method) => {
          const request: RequestView = { method, header: () => undefined, query: () => undefined };
          return tables.find(listener, host, target, request)?.route.name;
        }),
      ),
    ]),
  );
}

it('answer like fresh ones after any changes, and earlier versions answer as before', () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }), (rounds) => {
      const hosts = new Map<string, VirtualHost>();
      let tables = RouteTables.empty;
      const versions: [RouteTables, unknown][] = [];
      for (const round of rounds) {
        const changes = new Map<string, VirtualHost | undefined>();
        for (const one of round) {
          const known = hosts.get(one.name);
          if (one.type === 'edit' && known === undefined) continue;
          const next =
            one.type === 'host'
              ? one.host
              : { ...(known as VirtualHost), routes: known?.routes.toSpliced(one.at, one.remove, ...one.add) ?? [] };
          if (next === undefined) hosts.delete(one.name);
          else hosts.set(one.name, next);
          changes.set(one.name, next);
        }
        tables = tables.with(changes, () => 0);
        const said = answers(tables);
        expect(said).toEqual(answers(RouteTables.empty.with(hosts, () => 0)));
        versions.push([tables, said]);
      }
      for (const [version, said] of versions) expect(answers(version)).toEqual(said);
    }),
    { numRuns: 150 },
  );
});
