// The numbers of a rollout, by example and for any sizes.
// Sizes only; no object, no cluster.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fenceposts, newSetSize, oldSetSizes, proportionalSizes, resolve, type Size, sum } from './arithmetic.ts';

describe('resolve and fenceposts', () => {
  test.each([
    [3, 10, 'up', 3],
    ['25%', 10, 'up', 3],
    ['25%', 10, 'down', 2],
    ['0%', 10, 'up', 0],
    [undefined, 10, 'up', 0],
  ] as const)('%j of %d rounded %s is %d', (value, total, round, result) => {
    expect(resolve(value, total, round)).toBe(result);
  });

  test('refuse what is neither a number nor a percentage', () => {
    expect(() => resolve('a lot', 10, 'up')).toThrow('"a lot" is neither an integer nor a percentage');
  });

  test('never leave a rollout without a way to move', () => {
    expect(fenceposts('0%', '0%', 3)).toEqual({ surge: 0, unavailable: 1 });
    expect(fenceposts('25%', '25%', 1)).toEqual({ surge: 1, unavailable: 0 });
    expect(fenceposts(0, 5, 3)).toEqual({ surge: 0, unavailable: 3 });
  });
});

const limits = fc
  .record({ desired: fc.integer({ min: 1, max: 20 }), surge: fc.nat(5), unavailable: fc.nat(5) })
  .map((all) => ({
    ...all,
    unavailable: Math.min(all.desired, all.surge === 0 ? Math.max(1, all.unavailable) : all.unavailable),
  }));
const size: fc.Arbitrary<Size> = fc
  .tuple(fc.nat(20), fc.nat(20))
  .map(([replicas, available]) => ({ replicas, available: Math.min(replicas, available) }));

describe('rolling update', () => {
  test('never asks for more pods than the surge allows, nor shrinks the new set', () => {
    fc.assert(
      fc.property(limits, size, fc.array(size, { maxLength: 4 }), ({ desired, surge }, fresh, old) => {
        const total = fresh.replicas + sum(old.map((set) => set.replicas));
        const next = newSetSize(desired, surge, fresh.replicas, total);
        if (fresh.replicas >= desired) expect(next).toBe(desired);
        else expect(next).toBeGreaterThanOrEqual(fresh.replicas);
        if (next > fresh.replicas) expect(total - fresh.replicas + next).toBeLessThanOrEqual(desired + surge);
      }),
    );
  });

  test('never takes an available pod that is needed', () => {
    fc.assert(
      fc.property(limits, size, fc.array(size, { maxLength: 4 }), ({ desired, unavailable }, fresh, old) => {
        const sizes = oldSetSizes(desired, unavailable, fresh, old);
        const before = fresh.available + sum(old.map((set) => set.available));
        // A ReplicaSet that shrinks ends its unready pods first.
        const after = fresh.available + sum(old.map((set, i) => Math.min(set.available, sizes[i] ?? 0)));
        sizes.forEach((next, i) => {
          expect(next).toBeGreaterThanOrEqual(0);
          expect(next).toBeLessThanOrEqual(old[i]?.replicas ?? 0);
        });
        expect(after).toBeGreaterThanOrEqual(Math.min(before, desired - unavailable));
      }),
    );
  });

  test('always arrives: with pods that become available it ends with the new set alone at full size', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 25 }), ({ desired, surge, unavailable }, start) => {
        let [fresh, old] = [0, start];
        for (let step = 0; step < 200 && (fresh !== desired || old !== 0); step++) {
          fresh = newSetSize(desired, surge, fresh, fresh + old);
          const sizes = oldSetSizes(desired, unavailable, { replicas: fresh, available: fresh }, [
            { replicas: old, available: old },
          ]);
          old = sizes[0] ?? 0;
        }
        expect([fresh, old]).toEqual([desired, 0]);
      }),
    );
  });

  test('a template that never becomes available leaves the old pods where they are', () => {
    expect(oldSetSizes(4, 1, { replicas: 2, available: 0 }, [{ replicas: 3, available: 3 }])).toEqual([3]);
  });

  test('unhealthy old pods go first', () => {
    const old = [
      { replicas: 2, available: 2 },
      { replicas: 2, available: 0 },
    ];
    expect(oldSetSizes(4, 2, { replicas: 0, available: 0 }, old)).toEqual([2, 0]);
  });
});

describe('proportional scaling', () => {
  test('shares growth by size and gives what rounding leaves to the largest', () => {
    const sets = [
      { replicas: 8, annotatedMax: 13 },
      { replicas: 5, annotatedMax: 13 },
    ];
    expect(proportionalSizes(sets, 20, 3, 13)).toEqual([14, 9]);
  });

  test('makes the sum what is allowed, for any sets', () => {
    const set = fc.record({ replicas: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 4 }), limits, (sets, { desired, surge }) => {
        const total = sum(sets.map(({ replicas }) => replicas));
        const sorted = [...sets].sort((a, b) => b.replicas - a.replicas);
        const sizes = proportionalSizes(
          sorted.map(({ replicas }) => ({ replicas, annotatedMax: total })),
          desired,
          surge,
          total,
        );
        expect(sizes.every((next) => next >= 0)).toBe(true);
        expect(sum(sizes)).toBe(desired + surge);
      }),
    );
  });

  test('scaling to nothing empties every set', () => {
    const sets = [
      { replicas: 5, annotatedMax: 8 },
      { replicas: 3, annotatedMax: 8 },
    ];
    expect(proportionalSizes(sets, 0, 2, 8)).toEqual([0, 0]);
  });
});
