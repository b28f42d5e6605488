// The split of traffic: exact over every stretch of requests, for any weights and any start.
// Knows nothing of routes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeightedSplit } from './weighted-split.ts';

interface Part {
  readonly name: string;
  readonly weight: number;
}

function splitOf(weights: readonly number[], phases: readonly number[] = []): WeightedSplit<Part> {
  let drawn = 0;
  return new WeightedSplit(
    weights.map((weight, place) => ({ name: `${place}`, weight })),
    () => phases[drawn++] ?? 0.5,
  );
}

/** How often each came. */
function counts(names: readonly (string | undefined)[], parts: number): number[] {
  const found = Array.from({ length: parts }, () => 0);
  for (const name of names) found[Number(name)] = (found[Number(name)] ?? 0) + 1;
  return found;
}

function draw(split: WeightedSplit<Part>, times: number): (string | undefined)[] {
  return Array.from({ length: times }, () => split.next()?.name);
}

const phase = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('a split of traffic', () => {
  it('of 90 to 10 is exact over any hundred requests in a row', () => {
    fc.assert(
      fc.property(phase, phase, fc.nat(500), (one, other, skip) => {
        const split = splitOf([90, 10], [one, other]);
        draw(split, skip);
        expect(counts(draw(split, 100), 2)).toEqual([90, 10]);
      }),
    );
  });

  it('is exact over any stretch as long as its weights add up to', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), phase), { minLength: 1, maxLength: 6 }),
        fc.nat(300),
        (parts, skip) => {
          const weights = parts.map(([weight]) => weight);
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const split = splitOf(
            weights,
            parts.filter(([weight]) => weight > 0).map(([, at]) => at),
          );
          if (total === 0) {
            expect(split.next()).toBeUndefined();
            return;
          }
          draw(split, skip);
          expect(counts(draw(split, total), weights.length)).toEqual(weights);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives one in a million its one', () => {
    const split = splitOf([1, 999_999], [0.3, 0.7]);
    draw(split, 123_456);
    expect(counts(draw(split, 1_000_000), 2)).toEqual([1, 999_999]);
  });

  it('never drifts: shares stay within one request of their weight on the way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), phase, phase, (share, one, other) => {
        const split = splitOf([share, 100 - share], [one, other]);
        let first = 0;
        for (let sent = 1; sent <= 250; sent++) {
          if (split.next()?.name === '0') first++;
          expect(Math.abs(first - (sent * share) / 100)).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it('begins where chance says, so that workers do not move in step, and the rare one is not starved by new starts', () => {
    let drawn = 0;
    const starts = Array.from({ length: 2_000 }, (_, run) => {
      // Phases spread evenly: what a random source does in the long run.
      const phases = [((run * 7919) % 2_000) / 2_000, ((run * 104_729) % 2_000) / 2_000];
      return new WeightedSplit(
        [
          { name: 'rare', weight: 1 },
          { name: 'usual', weight: 9 },
        ],
        () => phases[drawn++ % 2] ?? 0,
      ).next()?.name;
    });
    const rare = starts.filter((name) => name === 'rare').length;
    expect(rare).toBeGreaterThan(2_000 * 0.05);
    expect(rare).toBeLessThan(2_000 * 0.15);
  });
});
