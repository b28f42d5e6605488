// least_request: who wins under load, how ties are broken, and what the sampling costs in quality.
// Loads are set by hand; no request is sent.
import { describe, expect, it } from 'vitest';
import { createBalancer, policies } from '../index.ts';
import { describePolicy, FakeTarget, picked, request, seededRandom, targetsOf } from '../policy.contract.ts';

describePolicy('least_request with two choices', { type: 'least_request', choices: 2 });
describePolicy('least_request over all targets', { type: 'least_request', choices: 0 }, { looksAtAll: true });
describePolicy('least_request with five choices', { type: 'least_request', choices: 5 });

function pickerOf(choices: number, targets: readonly FakeTarget[], random = seededRandom()) {
  return createBalancer<FakeTarget>({ type: 'least_request', choices }, { random }).update(targets);
}

function loaded(...loads: number[]): FakeTarget[] {
  return loads.map((load, index) => Object.assign(new FakeTarget(index), { load }));
}

describe('least_request over all targets', () => {
  it('takes the least loaded', () => {
    expect(picked(pickerOf(0, loaded(3, 1, 2))).index).toBe(1);
  });

  it('compares load for weight', () => {
    const targets = targetsOf(1, 4);
    for (const [place, load] of [1, 3].entries()) Object.assign(targets[place] ?? {}, { load });
    expect(picked(pickerOf(0, targets)).index).toBe(1);
  });

  it('lets targets that tie take turns', () => {
    const picker = pickerOf(0, loaded(1, 0, 0, 2, 0));
    expect(Array.from({ length: 6 }, () => picked(picker).index)).toEqual([1, 2, 4, 1, 2, 4]);
  });

  it('prefers a loaded target that was not tried to an idle one that was', () => {
    const targets = loaded(0, 9);
    expect(picked(pickerOf(0, targets), request(0, targets.slice(0, 1))).index).toBe(1);
  });
});

describe('least_request with two choices', () => {
  it('takes the less loaded of two different targets', () => {
    const picker = pickerOf(2, loaded(0, ...new Array<number>(9).fill(9)));
    let wins = 0;
    for (let round = 0; round < 3000; round++) if (picked(picker).index === 0) wins++;
    // The idle target is in 9 of the 45 possible pairs and wins them all.
    expect(Math.abs(wins / 3000 - 9 / 45)).toBeLessThan(0.04);
  });

  it('never picks the most loaded target', () => {
    const picker = pickerOf(2, loaded(0, 1, 2, 3, 4, 5, 6, 7, 8, 100));
    for (let round = 0; round < 500; round++) expect(picked(picker).index).not.toBe(9);
  });

  it('compares a small fleet whole, so that the best is never missed', () => {
    const picker = pickerOf(2, loaded(1, 1, 1, 1, 1, 1, 0, 1));
    for (let round = 0; round < 100; round++) expect(picked(picker).index).toBe(6);
  });

  it('falls back on a look at all when every draw was tried', () => {
    const targets = loaded(...new Array<number>(12).fill(0));
    const tried = targets.slice(0, 11);
    const picker = pickerOf(2, targets);
    for (let round = 0; round < 100; round++) expect(picked(picker, request(round, tried)).index).toBe(11);
  });

  it('keeps a slow target from piling up requests', () => {
    const targets = loaded(...new Array<number>(12).fill(0));
    const picker = pickerOf(2, targets);
    // Every request takes one round, on the slow target twenty; twelve arrive a round.
    const ends: { at: number; target: FakeTarget }[] = [];
    let worst = 0;
    for (let round = 0; round < 400; round++) {
      for (const { at, target } of ends) if (at === round) target.load--;
      for (let arrival = 0; arrival < 12; arrival++) {
        const target = picked(picker);
        target.load++;
        ends.push({ at: round + (target.index === 0 ? 20 : 1), target });
      }
      worst = Math.max(worst, targets[0]?.load ?? 0);
    }
    // Taking turns would put twenty on it.
    expect(worst).toBeLessThan(8);
  });
});

describe('least_request settings', () => {
  it('compares two targets unless told otherwise', () => {
    expect(policies.least_request.parse({})).toEqual({ type: 'least_request', choices: 2 });
  });

  it.each([1, -1, 2.5, '2'])('refuses %j choices', (choices) => {
    expect(() => policies.least_request.parse({ choices })).toThrow(/"choices".*use 0 for all targets, or 2 or more/);
  });
});
