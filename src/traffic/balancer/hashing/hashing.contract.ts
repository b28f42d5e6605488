// What every hashing policy promises beside the common contract: who keeps its target, and who has to move.
// Knows no ring and no table; used by tests only.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Balancer, PickInput } from '../balancer.ts';
import { createBalancer, type PolicyConfig } from '../index.ts';
import { FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

const KEYS = 4000;

export interface HashingPromises {
  /** Share of the keys that may move besides those that have to. */
  readonly needless: number;
  /** How far a target's share of the keys may lie from its weight's, as a factor (standard deviation). */
  readonly scatter: number;
}

/** Five standard deviations of drawing `KEYS` keys with this share, plus what the policy itself scatters. */
function tolerance(share: number, scatter: number): number {
  return 5 * (Math.sqrt((share * (1 - share)) / KEYS) + share * scatter);
}

export function describeHashing(
  title: string,
  config: PolicyConfig,
  promises: HashingPromises,
  keyed: (key: number) => PickInput = request,
): void {
  const create = (): Balancer<FakeTarget> => createBalancer<FakeTarget>(config, { random: () => 0 });
  const homes = (targets: readonly FakeTarget[], balancer = create()): FakeTarget[] => {
    const picker = balancer.update(targets);
    return Array.from({ length: KEYS }, (_, key) => picked(picker, keyed(key)));
  };
  const moved = (before: readonly FakeTarget[], after: readonly FakeTarget[]) =>
    before.flatMap((home, key) => (home === after[key] ? [] : [{ from: home, to: after[key] }]));

  describe(`${title} keeps keys where they are`, () => {
    it('moves the keys of a target that goes, to many others, and hardly any other', () => {
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), (count, draw) => {
          const targets = targetsOf(...new Array<number>(count).fill(1));
          const gone = targets[draw % count];
          const balancer = create();
          const before = homes(targets, balancer);
          const moves = moved(
            before,
            homes(
              targets.filter((target) => target !== gone),
              balancer,
            ),
          );
          const needed = moves.filter(({ from }) => from === gone);
          expect(needed.length).toBe(before.filter((home) => home === gone).length);
          expect(needed.length / KEYS).toBeLessThan(1 / count + tolerance(1 / count, promises.scatter));
          expect((moves.length - needed.length) / KEYS).toBeLessThanOrEqual(promises.needless);
          expect(new Set(needed.map(({ to }) => to)).size).toBeGreaterThan((count - 1) / 2);
        }),
        { numRuns: 20 },
      );
    });

    it('moves keys to a target that comes, at most its share, and hardly any other', () => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 20 }), (weights) => {
          // The last weight comes twice, so that the median does not hang on the target that comes.
          const targets = targetsOf(...weights, weights.at(-1) ?? 1);
          const comes = targets.at(-1);
          const balancer = create();
          const before = homes(targets.slice(0, -1), balancer);
          const moves = moved(before, homes(targets, balancer));
          const needed = moves.filter(({ to }) => to === comes);
          const share = (comes?.weight ?? 0) / targets.reduce((sum, { weight }) => sum + weight, 0);
          expect(needed.length / KEYS).toBeLessThan(share + tolerance(share, promises.scatter));
          const settled = weights.every((weight) => weight === weights[0]);
          if (settled) expect((moves.length - needed.length) / KEYS).toBeLessThanOrEqual(promises.needless);
        }),
        { numRuns: 20 },
      );
    });

    it('shares keys by weight', () => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 12 }), (weights) => {
          const targets = targetsOf(...weights);
          const found = homes(targets);
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (const target of targets) {
            const share = target.weight / total;
            const count = found.filter((home) => home === target).length;
            // Of a light target the points are fewer, and scatter more.
            const scatter = promises.scatter * Math.sqrt(Math.max(1, 10 / target.weight));
            expect(Math.abs(count / KEYS - share)).toBeLessThan(tolerance(share, scatter));
          }
        }),
        { numRuns: 20 },
      );
    });

    it('comes to the same answer in every worker, whatever the order and the history of its targets', () => {
      const targets = targetsOf(1, 3, 1, 2, 1, 1, 2, 1);
      const fresh = homes(targets);
      expect(homes([...targets].reverse())).toEqual(fresh);
      const balancer = create();
      for (const part of [targets.slice(3), targets.slice(0, 5), [], targets.slice(1, 7)]) balancer.update(part);
      expect(homes([...targets.slice(4), ...targets.slice(0, 4)], balancer)).toEqual(fresh);
    });

    it('moves keys only towards a target that gains weight, but for the few', () => {
      const targets = targetsOf(1, 1, 1);
      const balancer = create();
      const before = homes(targets, balancer);
      const heavier = targets[2];
      if (heavier !== undefined) heavier.weight = 3;
      const needless = moved(before, homes(targets, balancer)).filter(({ to }) => to !== heavier);
      expect(needless.length / KEYS).toBeLessThanOrEqual(promises.needless);
    });

    it('retries a key always on the same other target', () => {
      const targets = targetsOf(1, 1, 1, 1, 1);
      const picker = create().update(targets);
      const seconds = new Set<FakeTarget>();
      for (let key = 0; key < 100; key++) {
        const first = picked(picker, keyed(key));
        const again = { ...keyed(key), tried: [first] };
        const second = picked(picker, again);
        expect(second).not.toBe(first);
        expect(picked(create().update(targets), again)).toBe(second);
        if (first === targets[0]) seconds.add(second);
      }
      // One target's retries do not all hit the same neighbour.
      expect(seconds.size).toBeGreaterThan(1);
    });

    it('uses targets whose addresses differ in the port alone', () => {
      const targets = [1, 2].map((port) => Object.assign(new FakeTarget(0), { port }));
      expect(new Set(homes(targets)).size).toBe(2);
    });
  });
}

/** For policies with the setting `hashBalanceFactor`; `config` sets it to 125. */
export function describeBoundedLoad(title: string, config: PolicyConfig): void {
  const create = (): Balancer<FakeTarget> => createBalancer<FakeTarget>(config, { random: () => 0 });

  describe(`${title} bounds loads`, () => {
    it('lets no target carry more than its share by weight and a quarter, however hot a key', () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 12 }),
          fc.integer({ min: 1, max: 200 }),
          (weights, requests) => {
            const targets = targetsOf(...weights);
            const picker = create().update(targets);
            const total = weights.reduce((sum, weight) => sum + weight, 0);
            for (let count = 1; count <= requests; count++) {
              const target = picked(picker, request(7));
              target.load++;
              const room = Math.max(1, Math.ceil((1.25 * count * target.weight) / total));
              expect(target.load).toBeLessThanOrEqual(room);
            }
          },
        ),
        { numRuns: 50 },
      );
    });

    it('keeps a key at home as long as that has room, and brings it back', () => {
      const targets = targetsOf(1, 1, 1, 1);
      const picker = create().update(targets);
      const home = picked(picker, request(7));
      for (const target of targets) target.load = 4;
      expect(picked(picker, request(7))).toBe(home);
      home.load = 9;
      const away = picked(picker, request(7));
      expect(away).not.toBe(home);
      expect(picked(picker, request(7))).toBe(away);
      home.load = 4;
      expect(picked(picker, request(7))).toBe(home);
    });

    it('takes the least loaded of those seen when nobody who is left has room', () => {
      const targets = targetsOf(1, 1, 1);
      const picker = create().update(targets);
      const [idle, busy, busier] = targets as [FakeTarget, FakeTarget, FakeTarget];
      busy.load = 50;
      busier.load = 60;
      for (let client = 0; client < 20; client++) expect(picked(picker, request(client, [idle]))).toBe(busy);
    });

    it('reads a bounded number of counts a pick in a large fleet', () => {
      let reads = 0;
      class Counted extends FakeTarget {
        override inFlight(): number {
          reads++;
          return super.inFlight();
        }
      }
      const picker = create().update(Array.from({ length: 1000 }, (_, index) => new Counted(index)));
      reads = 0;
      for (let client = 0; client < 100; client++) picked(picker, request(client));
      expect(reads / 100).toBeLessThan(30);
    });
  });
}
