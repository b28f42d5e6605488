// Tests of the simulated backends, on a clock of their own.
// Nothing is started and no time passes.

import { describe, expect, it } from 'vitest';
import { seeded } from '../lib/statistics.ts';
import { type BackendPlan, SimulatedBackend } from './service-time.ts';

/** A backend, and how to let time pass for it. */
class Lab {
  readonly #due: { at: number; run: () => void }[] = [];
  readonly backend: SimulatedBackend;
  now = 0;

  constructor(plan: BackendPlan, random: () => number = seeded(1)) {
    this.backend = new SimulatedBackend(
      plan,
      random,
      () => this.now,
      (ms, run) => this.#due.push({ at: this.now + ms, run }),
    );
  }

  run(): void {
    for (;;) {
      this.#due.sort((a, b) => a.at - b.at);
      const next = this.#due.shift();
      if (next === undefined) return;
      this.now = next.at;
      next.run();
    }
  }

  /** When each of `count` requests that come now is answered, and how. */
  answers(count: number): { at: number; status: number }[] {
    const answers: { at: number; status: number }[] = [];
    for (let i = 0; i < count; i++) {
      this.backend.take({ cancelled: false, done: (status) => answers.push({ at: this.now, status }) });
    }
    this.run();
    return answers;
  }
}

/** Half of the unit interval: a service time of ln 2 means. */
const half = (): number => 0.5;
const MEDIAN = Math.log(2);

describe('a simulated backend', () => {
  it('works on as many requests as it may, and on the others afterwards', () => {
    const times = new Lab({ concurrency: 2, meanMs: 10 }, half).answers(5).map(({ at }) => at / (10 * MEDIAN));
    expect(times.map(Math.round)).toEqual([1, 1, 2, 2, 3]);
  });

  it('takes the mean it is given', () => {
    const lab = new Lab({ concurrency: 1, meanMs: 10 });
    const answers = lab.answers(5000);
    expect((answers.at(-1)?.at ?? 0) / 5000).toBeGreaterThan(9.5);
    expect((answers.at(-1)?.at ?? 0) / 5000).toBeLessThan(10.5);
  });

  it('takes longer for its share of heavy requests', () => {
    const lab = new Lab({ concurrency: 1, meanMs: 10, heavy: { share: 0.1, factor: 20 } });
    const mean = (lab.answers(20_000).at(-1)?.at ?? 0) / 20_000;
    // 0.9 times 10 and 0.1 times 200.
    expect(mean).toBeGreaterThan(27);
    expect(mean).toBeLessThan(31);
  });

  it('fails at once when it is to fail', () => {
    expect(new Lab({ concurrency: 1, meanMs: 10, fails: true }).answers(2)).toEqual([
      { at: 0, status: 503 },
      { at: 0, status: 503 },
    ]);
  });

  it('ends nothing within a stall', () => {
    const stalls = { everyMs: 1000, forMs: 200, afterMs: 300 };
    const answers = new Lab({ concurrency: 1, meanMs: 10, stalls }).answers(500);
    for (const { at } of answers) {
      const into = (at - 300) % 1000;
      expect(at < 300 || into >= 200).toBe(true);
    }
    expect(answers.some(({ at }) => at > 300)).toBe(true);
  });

  it('skips whoever has left while waiting', () => {
    const lab = new Lab({ concurrency: 1, meanMs: 10 }, half);
    const answered: string[] = [];
    lab.backend.take({ cancelled: false, done: () => answered.push('first') });
    const gone = { cancelled: false, done: () => answered.push('gone') };
    lab.backend.take(gone);
    lab.backend.take({ cancelled: false, done: () => answered.push('last') });
    gone.cancelled = true;
    lab.run();
    expect(answered).toEqual(['first', 'last']);
    expect(Math.round(lab.now / (10 * MEDIAN))).toBe(2);
  });
});
