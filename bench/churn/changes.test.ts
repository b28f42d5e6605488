// Tests of the changes: none may leave a request without a way.
// Nothing is started.

import { describe, expect, it } from 'vitest';
import { CATCH_ALL } from '../lib/contestants/evenkeel.ts';
import { changeOf } from './changes.ts';

const backends = Array.from({ length: 8 }, (_, i) => ({ address: '127.0.0.1', port: 1000 + i }));

describe('changes', () => {
  it('take every endpoint away and bring it back, and leave most of them at any time', () => {
    const missed = new Set<number>();
    for (let step = 0; step < 40; step += 2) {
      const ports = new Set(
        changeOf(step, backends)
          .endpoints?.get(CATCH_ALL)
          ?.map(({ port }) => port),
      );
      expect(ports.size).toBeGreaterThanOrEqual(6);
      for (const { port } of backends) if (!ports.has(port)) missed.add(port);
    }
    expect(missed.size).toBe(8);
  });

  it('keep the catch-all and a cluster behind every route', () => {
    const known = new Set<string>([CATCH_ALL]);
    for (let step = 1; step < 41; step += 2) {
      const change = changeOf(step, backends);
      for (const [name, config] of change.clusters ?? []) {
        if (config === undefined) known.delete(name);
        else known.add(name);
      }
      const routes = change.virtualHosts?.get('*')?.routes ?? [];
      expect(routes.at(-1)?.path).toEqual({ type: 'prefix', value: '/' });
      for (const { action } of routes) {
        if (action.type !== 'forward') throw new Error('Only routes that forward are expected');
        for (const { cluster } of action.clusters) expect(known).toContain(cluster);
      }
      // What left is gone, so that a long run does not grow.
      expect(known.size).toBe(51);
    }
  });
});
