// The order of targets on rings and in tables: the same whichever way they are listed, even when hashes collide.
// Knows neither ring nor table.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetsOf } from '../policy.contract.ts';
import { canonicalOrder } from './circle.ts';

describe('canonicalOrder', () => {
  it('depends on the targets alone', () => {
    const hashes = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(hashes, fc.infiniteStream(fc.nat()), (values, draws) => {
        const targets = targetsOf(...values.map(() => 1));
        const listed = targets.map((target, place) => ({ target, hash: values[place] ?? 0 }));
        const shuffled = listed.map((one) => ({ one, draw: draws.next().value })).sort((a, b) => a.draw - b.draw);
        const order = (list: typeof listed) =>
          [
            ...canonicalOrder(
              list.map(({ target }) => target),
              Uint32Array.from(list, ({ hash }) => hash),
            ),
          ].map((place) => list[place]?.target.address);
        expect(order(shuffled.map(({ one }) => one))).toEqual(order(listed));
        expect(new Set(order(listed)).size).toBe(targets.length);
      }),
    );
  });
});
