// The weight that counts: a target's own, times slow start, times what it reports of its load.
// Stands in front of any policy that heeds weights; knows none of them, and keeps no clock.

import type { LoadReport } from './load-reports/report.ts';
import { DEFAULT_UPDATE_INTERVAL_MS, type LoadReportSettings, LoadReportWeights } from './load-reports/weights.ts';
import { type SlowStartSettings, slowStartFactor } from './slow-start/slow-start.ts';

export interface EffectiveWeightSettings {
  readonly slowStart?: SlowStartSettings;
  readonly loadReports?: LoadReportSettings;
}

/** Smaller changes are not worth a new picker: no policy is that exact. */
const NOTEWORTHY = 0.01;

/**
 * One a cluster. Its owner lets `Target.weight` yield the endpoint's own weight times `factor(target)`, and calls
 *
 * - `update` with the usable targets whenever they change, before the balancer's own `update`;
 * - `report` with each load report of a response;
 * - `refresh` when `nextRefresh` says so, and the balancer's `update` when it answered true.
 *
 * All times are monotonic milliseconds.
 */
export class EffectiveWeights<T extends object> {
  readonly #slowStart: SlowStartSettings | undefined;
  readonly #reports: LoadReportWeights<T> | undefined;
  readonly #interval: number;
  #targets: readonly T[] = [];
  /** Since when a target warms up; those that are warm are not in it. */
  #since = new Map<T, number>();
  #factors = new Map<T, number>();
  #refreshed = Number.NEGATIVE_INFINITY;

  constructor({ slowStart, loadReports }: EffectiveWeightSettings) {
    this.#slowStart = slowStart === undefined || slowStart.windowMs <= 0 ? undefined : slowStart;
    this.#reports = loadReports === undefined ? undefined : new LoadReportWeights(loadReports);
    this.#interval = loadReports?.updateInterval ?? DEFAULT_UPDATE_INTERVAL_MS;
  }

  /**
   * The targets that may be used from now on. One that comes (or comes back) beside others that stay begins with slow
   * start; where nobody stays there is nobody to spare it, and all begin warm.
   */
  update(targets: readonly T[], now: number): void {
    const before = new Set(this.#targets);
    const present = new Set(targets);
    this.#targets = targets;
    for (const target of this.#since.keys()) if (!present.has(target)) this.#since.delete(target);
    if (this.#slowStart !== undefined && targets.some((target) => before.has(target))) {
      for (const target of targets) if (!before.has(target)) this.#since.set(target, now);
    }
    this.#reports?.keep(present);
    this.#compute(now);
  }

  report(target: T, report: LoadReport, now: number): void {
    // A late answer of a target that has gone must not be kept for ever.
    if (this.#factors.has(target)) this.#reports?.report(target, report, now);
  }

  /** Computes the factors anew, at most once an interval; true when one has changed so that pickers must know. */
  refresh(now: number): boolean {
    if (this.nextRefresh(now) !== 0) return false;
    const before = this.#factors;
    this.#compute(now);
    for (const [target, factor] of this.#factors) {
      if (Math.abs(factor / (before.get(target) ?? 1) - 1) > NOTEWORTHY) return true;
    }
    // Changes too small to tell add up only if they are measured from where the pickers stand.
    this.#factors = before;
    return false;
  }

  /** Milliseconds until `refresh` can change something; undefined while nothing warms up and nobody may report. */
  nextRefresh(now: number): number | undefined {
    if (this.#since.size === 0 && this.#reports === undefined) return undefined;
    return Math.max(0, this.#refreshed + this.#interval - now);
  }

  /** What a target's own weight is multiplied by, above 0; as of the last `update` or `refresh`. */
  factor(target: T): number {
    return this.#factors.get(target) ?? 1;
  }

  /** What the factor is made of, for people. */
  describe(target: T, now: number): Readonly<Record<string, number>> {
    return { weightFactor: this.factor(target), slowStartFactor: this.#slowStartFactor(target, now) };
  }

  #compute(now: number): void {
    this.#refreshed = now;
    const reported = this.#reports?.factors(this.#targets, now);
    const factors = new Map<T, number>();
    for (const [place, target] of this.#targets.entries()) {
      factors.set(target, this.#slowStartFactor(target, now) * (reported?.[place] ?? 1));
    }
    for (const [target, since] of this.#since) {
      if (now - since >= (this.#slowStart?.windowMs ?? 0)) this.#since.delete(target);
    }
    this.#factors = factors;
  }

  #slowStartFactor(target: T, now: number): number {
    const since = this.#since.get(target);
    return since === undefined || this.#slowStart === undefined ? 1 : slowStartFactor(now - since, this.#slowStart);
  }
}
