// From load reports to factors of weights, as Envoy's client-side weighted round robin and gRFC A58 have it.
// Keeps the last report of each endpoint; knows neither headers nor policies.
import type { LoadReport } from './report.ts';

export interface LoadReportSettings {
  /** Milliseconds for which an endpoint must have reported before its reports count; left out: 10,000. */
  readonly blackout?: number;
  /** Milliseconds after which a report counts no more; left out: 180,000. */
  readonly expiry?: number;
  /** Milliseconds between two computations of the weights; left out: 1,000. */
  readonly updateInterval?: number;
  /** What an error rate of 1 adds to the utilization; left out: 1. */
  readonly errorUtilizationPenalty?: number;
}

export const DEFAULT_BLACKOUT_MS = 10_000;
export const DEFAULT_EXPIRY_MS = 180_000;
export const DEFAULT_UPDATE_INTERVAL_MS = 1_000;
export const DEFAULT_ERROR_PENALTY = 1;

/** An endpoint that reports nonsense takes at most this many times the load of the median one, or so much less. */
const MAX_FACTOR = 10;

interface Reported {
  /** When the endpoint began to report without a gap of `expiry`. */
  since: number;
  last: number;
  weight: number;
}

/** Requests a second for a whole utilization: `qps / (utilization + eps / qps * penalty)`; 0 when the report does not say. */
export function reportedWeight(report: LoadReport, penalty: number): number {
  const utilization = report.applicationUtilization > 0 ? report.applicationUtilization : report.cpuUtilization;
  if (report.rps <= 0 || utilization <= 0) return 0;
  return report.rps / (utilization + (report.eps / report.rps) * penalty);
}

export class LoadReportWeights<T extends object> {
  readonly #blackout: number;
  readonly #expiry: number;
  readonly #penalty: number;
  #reports = new Map<T, Reported>();

  constructor(settings: LoadReportSettings) {
    this.#blackout = settings.blackout ?? DEFAULT_BLACKOUT_MS;
    this.#expiry = settings.expiry ?? DEFAULT_EXPIRY_MS;
    this.#penalty = settings.errorUtilizationPenalty ?? DEFAULT_ERROR_PENALTY;
  }

  /** Takes a report in, `now` in monotonic milliseconds; one that names no utilization or no rate says nothing. */
  report(target: T, report: LoadReport, now: number): void {
    const weight = reportedWeight(report, this.#penalty);
    if (weight === 0) return;
    const before = this.#reports.get(target);
    if (before === undefined) {
      this.#reports.set(target, { since: now, last: now, weight });
      return;
    }
    if (now - before.last >= this.#expiry) before.since = now;
    before.last = now;
    before.weight = weight;
  }

  /** Forgets all but these: whoever comes back begins with a new blackout. */
  keep(targets: ReadonlySet<T>): void {
    for (const target of this.#reports.keys()) if (!targets.has(target)) this.#reports.delete(target);
  }

  /**
   * Factors in the order of `targets`, around 1. Who has not reported for long enough, or not lately, counts as the
   * median of those who have; as long as those are fewer than two, everybody counts the same.
   */
  factors(targets: readonly T[], now: number): Float64Array {
    const weights = Float64Array.from(targets, (target) => this.#weight(target, now));
    const known = weights.filter((weight) => weight > 0).sort();
    if (known.length < 2) return new Float64Array(targets.length).fill(1);
    const median = ((known[(known.length - 1) >> 1] ?? 1) + (known[known.length >> 1] ?? 1)) / 2;
    return weights.map((weight) =>
      weight === 0 ? 1 : Math.min(MAX_FACTOR, Math.max(1 / MAX_FACTOR, weight / median)),
    );
  }

  #weight(target: T, now: number): number {
    const report = this.#reports.get(target);
    if (report === undefined) return 0;
    const fresh = now - report.last < this.#expiry;
    return fresh && now - report.since >= this.#blackout ? report.weight : 0;
  }
}
