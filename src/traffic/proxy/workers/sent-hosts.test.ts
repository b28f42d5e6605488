// What a worker makes of what it is sent is what was published, and of a large host only what changed travels.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VirtualHost } from '#traffic/model/ir.ts';
import { route } from '../testing/model.ts';
import { pack, unpack } from './sent-hosts.ts';

const host = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 8 }).map(
  (paths): VirtualHost => ({
    hostname: '*',
    wildcard: 'any-labels',
    routes: paths.map((at) => route('a', `/${at}`)),
  }),
);
const hosts = fc
  .dictionary(fc.constantFrom('x', 'y'), fc.option(host, { nil: undefined }))
  .map((entries) => new Map(Object.entries(entries)));

describe('virtual hosts on their way to a worker', () => {
  it('arrive as they were published', () => {
    fc.assert(
      fc.property(fc.array(hosts, { maxLength: 6 }), (updates) => {
        const [there, here] = [new Map<string, VirtualHost>(), new Map<string, VirtualHost>()];
        for (const [version, virtualHosts] of updates.entries()) {
          const sent = structuredClone(pack({ version, virtualHosts }, there));
          const got = unpack(sent, here);
          expect(got).toEqual({ version, virtualHosts });
          for (const [from, into] of [
            [virtualHosts, there],
            [got.virtualHosts, here],
          ] as const) {
            for (const [name, value] of from ?? []) {
              if (value === undefined) into.delete(name);
              else into.set(name, value);
            }
          }
        }
      }),
    );
  });

  it('bring one route when one of many changes', () => {
    const routes = Array.from({ length: 1000 }, (_, at) => route('a', `/${at}`));
    const before: VirtualHost = { hostname: '*', wildcard: 'any-labels', routes };
    const after = { ...before, routes: routes.with(500, route('b', '/500')) };
    const sent = pack({ version: 1, virtualHosts: new Map([['x', after]]) }, new Map([['x', before]]));
    expect(sent.hosts?.get('x')).toMatchObject({ first: 500, last: 499, routes: [after.routes[500]] });
  });
});
