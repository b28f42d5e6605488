// What every balancing policy promises, as one suite: a policy that passes it may stand behind any cluster.
// Knows no policy by name; used by tests only.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Balancer, Chance, Picker, PickInput, Target } from './balancer.ts';
import { createBalancer, type PolicyConfig, policies } from './index.ts';
import { seededRandom } from './seeded-random.ts';

export { seededRandom };

export class FakeTarget implements Target {
  readonly index: number;
  readonly address: string;
  readonly port = 80;
  weight: number;
  load = 0;

  constructor(index: number, weight = 1) {
    this.index = index;
    this.address = `10.0.${index >> 8}.${index & 255}`;
    this.weight = weight;
  }

  inFlight(): number {
    return this.load;
  }
}

export function targetsOf(...weights: number[]): FakeTarget[] {
  return weights.map((weight, index) => new FakeTarget(index, weight));
}

/** A request of the client with this number, which has tried these targets. */
export function request(client = 0, tried: readonly Target[] = []): PickInput {
  return { clientAddress: `192.0.${(client >> 8) & 255}.${client & 255}`, hashKey: '', now: 0, tried };
}

export function picked(picker: Picker<FakeTarget>, input: PickInput = request()): FakeTarget {
  const pick = picker.pick(input);
  if (pick.type === 'none') throw new Error(`Nothing was picked: ${pick.reason}`);
  return pick.target;
}

function chanceOf(chances: readonly Chance<FakeTarget>[], target: FakeTarget): number | undefined {
  return chances.find((chance) => chance.target === target)?.share;
}

/** How often each target is picked by `count` requests of different clients. */
export function shares(picker: Picker<FakeTarget>, targets: readonly FakeTarget[], count: number): number[] {
  const counts = new Map<FakeTarget, number>();
  for (let client = 0; client < count; client++) {
    const target = picked(picker, request(client));
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return targets.map((target) => counts.get(target) ?? 0);
}

/** Shares of random and hashed picks scatter: 4,000 picks stay within this of their share. */
const TOLERANCE = 0.06;

/** Counts a pick may read in a fleet of a thousand: a few choices, a pool of probes, a bound's sample. */
const MAX_READS = 40;

export interface DescribeOptions {
  /** The settings ask for a look at every target. */
  readonly looksAtAll?: boolean;
}

export function describePolicy(
  title: string,
  config: PolicyConfig,
  { looksAtAll = false }: DescribeOptions = {},
): void {
  const { promises } = policies[config.type];
  const create = (random = seededRandom()): Balancer<FakeTarget> => createBalancer(config, { random });

  describe(`${title} keeps the contract of a policy`, () => {
    it('picks none when there is no target', () => {
      expect(create().update([]).pick(request())).toEqual({ type: 'none', reason: expect.any(String) });
    });

    it('picks the only target, tried or not', () => {
      const [only] = targetsOf(1);
      const picker = create().update(only === undefined ? [] : [only]);
      expect(picked(picker)).toBe(only);
      expect(picked(picker, request(0, only === undefined ? [] : [only]))).toBe(only);
    });

    it('avoids every target that was tried while another remains', () => {
      fc.assert(
        fc.property(scenario, fc.nat(), ({ targets, draws }, client) => {
          const picker = create(draws).update(targets);
          const tried: FakeTarget[] = [];
          while (tried.length < targets.length) {
            const target = picked(picker, request(client, tried));
            expect(tried).not.toContain(target);
            tried.push(target);
          }
          expect(targets).toContain(picked(picker, request(client, tried)));
        }),
      );
    });

    it('picks only targets of the last update, whatever was there before', () => {
      fc.assert(
        fc.property(scenario, fc.array(fc.array(fc.nat(11)), { maxLength: 5 }), ({ targets, draws }, rounds) => {
          const balancer = create(draws);
          for (const round of rounds) {
            const present = targets.filter((target) => round.includes(target.index));
            const picker = balancer.update(present);
            for (let client = 0; client < 20; client++) {
              const pick = picker.pick(request(client));
              if (present.length === 0) expect(pick.type).toBe('none');
              else expect(present).toContain(pick.type === 'target' ? pick.target : undefined);
            }
          }
        }),
      );
    });

    it('hands out the same object for the same target, so that a pick allocates nothing', () => {
      const picker = create().update(targetsOf(1, 2, 3));
      const seen = new Map<Target, unknown>();
      for (let client = 0; client < 200; client++) {
        const pick = picker.pick(request(client));
        if (pick.type !== 'target') throw new Error(pick.reason);
        expect(seen.get(pick.target) ?? pick).toBe(pick);
        seen.set(pick.target, pick);
      }
    });

    it('spreads clients evenly over idle targets of equal weight', () => {
      const targets = targetsOf(1, 1, 1, 1, 1);
      for (const share of shares(create().update(targets), targets, 4000)) {
        expect(Math.abs(share / 4000 - 1 / 5)).toBeLessThan(TOLERANCE);
      }
    });

    it(`${promises.weights ? 'shares by weight' : 'ignores weights'}`, () => {
      const targets = targetsOf(1, 2, 5);
      const expected = promises.weights ? [1 / 8, 2 / 8, 5 / 8] : [1 / 3, 1 / 3, 1 / 3];
      for (const [place, share] of shares(create().update(targets), targets, 4000).entries()) {
        expect(Math.abs(share / 4000 - (expected[place] ?? 0))).toBeLessThan(TOLERANCE);
      }
    });

    it('shares as it promises in a large fleet, too', () => {
      const targets = targetsOf(...Array.from({ length: 40 }, (_, place) => (place < 20 ? 1 : 3)));
      const light = shares(create().update(targets), targets, 4000).slice(0, 20);
      const share = light.reduce((sum, count) => sum + count, 0) / 4000;
      expect(Math.abs(share - (promises.weights ? 1 / 4 : 1 / 2))).toBeLessThan(TOLERANCE);
    });

    it('takes a new weight of a target that stays', () => {
      const targets = targetsOf(1, 1);
      const balancer = create();
      balancer.update(targets);
      if (targets[0] !== undefined) targets[0].weight = 9;
      const expected = promises.weights ? 0.9 : 0.5;
      const [first = 0] = shares(balancer.update(targets), targets, 4000);
      expect(Math.abs(first / 4000 - expected)).toBeLessThan(TOLERANCE);
    });

    it(`${promises.sticky ? 'keeps a client on its target' : 'lets a client see every target'}`, () => {
      const targets = targetsOf(1, 1, 1);
      const picker = create().update(targets);
      const seen = new Set(Array.from({ length: 100 }, () => picked(picker, request(7))));
      expect(seen.size).toBe(promises.sticky ? 1 : 3);
    });

    it('stays fair when endpoints come and go between picks', () => {
      const targets = targetsOf(1, 1, 1, 1);
      const balancer = create();
      const counts = new Map<FakeTarget, number>();
      for (let client = 0; client < 4000; client++) {
        // One of four is away at any time, each for as long as the others.
        const picker = balancer.update(targets.filter((target) => target.index !== client % 4));
        const target = picked(picker, request(client));
        counts.set(target, (counts.get(target) ?? 0) + 1);
      }
      for (const target of targets) expect((counts.get(target) ?? 0) / 4000).toBeGreaterThan(0.15);
    });

    it(`reads ${looksAtAll ? 'each count once' : 'few counts'} a pick, and no weight, in a large fleet`, () => {
      let counts = 0;
      let weights = 0;
      class Counted extends FakeTarget {
        override inFlight(): number {
          counts++;
          return super.inFlight();
        }
      }
      const targets = Array.from({ length: 1000 }, (_, index) => {
        const target = new Counted(index);
        Object.defineProperty(target, 'weight', { get: () => ++weights && 1 + (index % 3) });
        return target;
      });
      const picker = create().update(targets);
      counts = 0;
      weights = 0;
      // One target that refuses more, as a full circuit breaker does, must not make every pick a pass over all.
      const refused = targets.slice(0, 1);
      for (let client = 0; client < 200; client++) picked(picker, request(client, client % 2 === 0 ? [] : refused));
      expect(weights).toBe(0);
      if (looksAtAll) expect(counts).toBe(200 * 1000 - 100);
      else expect(counts / 200).toBeLessThanOrEqual(MAX_READS);
    });

    it('is not upset by what it observes, even of targets that it does not have', () => {
      fc.assert(
        fc.property(scenario, fc.array(outcome, { maxLength: 30 }), ({ targets, draws }, outcomes) => {
          const balancer = create(draws);
          const present = targets.slice(0, Math.ceil(targets.length / 2));
          const picker = balancer.update(present);
          let now = 0;
          for (const [at, { wait, ...rest }] of outcomes.entries()) {
            now += wait;
            const target = targets[at % targets.length];
            if (target !== undefined) balancer.observe?.(target, { ...rest, now });
            expect(present).toContain(picked(picker, { ...request(at), now }));
          }
          const chances = balancer.preview({ ...request(), now });
          expect(chances.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
        }),
        { numRuns: 50 },
      );
    });

    it('describes what it knows in finite numbers, of strangers as well', () => {
      const [known, stranger] = targetsOf(1, 1) as [FakeTarget, FakeTarget];
      const balancer = create();
      balancer.update([known]);
      for (const failed of [false, true]) {
        for (const target of [known, stranger]) {
          balancer.observe?.(target, { latencyMs: 12, failed, retryAfterMs: 0, now: 1000 });
          for (const value of Object.values(balancer.describe?.(target, 2000) ?? {}))
            expect(Number.isFinite(value)).toBe(true);
        }
      }
    });

    it('previews what it does: chances in the order of the targets, that sum to 1 and come true', () => {
      fc.assert(
        fc.property(scenario, fc.nat(), ({ targets, draws }, client) => {
          const balancer = create(draws);
          const picker = balancer.update(targets);
          const tried = targets.slice(0, client % targets.length);
          const chances = balancer.preview(request(client, tried));
          expect(chances.map(({ target }) => target)).toEqual(targets);
          expect(chances.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
          for (const target of tried) expect(chanceOf(chances, target)).toBe(0);
          // A chance that was found by trying may have missed a target that is picked once in thousands.
          const surprises = Array.from({ length: 10 }, () => picked(picker, request(client, tried))).filter(
            (target) => chanceOf(chances, target) === 0,
          );
          expect(surprises.length).toBeLessThanOrEqual(1);
        }),
        { numRuns: 30 },
      );
    });

    it('previews shares that come true under unequal loads', () => {
      const targets = targetsOf(...Array.from({ length: 20 }, (_, place) => 1 + (place % 3)));
      for (const target of targets) target.load = target.index % 5;
      const balancer = create();
      const picker = balancer.update(targets);
      const expected = targets.map(() => 0);
      for (let client = 0; client < (promises.sticky ? 4000 : 1); client++) {
        const chances = balancer.preview(request(client));
        for (const [place, { share }] of chances.entries()) expected[place] = (expected[place] ?? 0) + share;
      }
      const total = expected.reduce((sum, share) => sum + share, 0);
      for (const [place, count] of shares(picker, targets, 4000).entries()) {
        expect(Math.abs(count / 4000 - (expected[place] ?? 0) / total)).toBeLessThan(TOLERANCE / 2);
      }
    });

    it('previews without a trace: the picks that follow are those that would have come anyway', () => {
      const sequence = (disturb: boolean): number[] => {
        const targets = targetsOf(...Array.from({ length: 20 }, (_, place) => 1 + (place % 3)));
        const balancer = create(seededRandom(7));
        const picker = balancer.update(targets);
        return Array.from({ length: 60 }, (_, client) => {
          if (disturb && client % 6 === 0) balancer.preview(request(client));
          return picked(picker, request(client)).index;
        });
      };
      expect(sequence(true)).toEqual(sequence(false));
    });

    it('previews nothing when there is no target', () => {
      const balancer = create();
      expect(balancer.preview(request())).toEqual([]);
      balancer.update([]);
      expect(balancer.preview(request())).toEqual([]);
    });

    it('refuses settings that it does not have', () => {
      expect(() => policies[config.type].parse({ ...config, chioces: 3 })).toThrow(/has no setting "chioces"/);
    });
  });
}

const outcome = fc.record({
  wait: fc.integer({ min: 0, max: 20_000 }),
  latencyMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
  failed: fc.boolean(),
  retryAfterMs: fc.constantFrom(0, 0, 1_000, 1e9),
});

/** Up to twelve targets with weights and loads, and a source of random numbers. */
const scenario = fc
  .record({
    targets: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), load: fc.nat(20) }), {
      minLength: 1,
      maxLength: 12,
    }),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
  })
  .map(({ targets, seed }) => ({
    targets: targets.map(({ weight, load }, index) => Object.assign(new FakeTarget(index, weight), { load })),
    draws: seededRandom(seed),
  }));
