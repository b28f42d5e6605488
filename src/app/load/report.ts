// What a load run found: counts, latencies and who answered, collected while it runs.
// Knows no HTTP; a result comes in as data.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { type Second, Timeline } from './timeline.ts';

/** One finished request. */
export interface Result {
  /** From the moment it was meant to start to its last byte. */
  readonly latencyMs: number;
  /** `namespace/pod`; empty when the response did not say. */
  readonly pod: string;
  /** Why it failed, e.g. `HTTP 503` or `ECONNRESET`; absent when it did not. */
  readonly failure?: string;
}

export interface Latencies {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The report as `--json` prints it. Latencies are milliseconds. */
export interface LoadReport {
  readonly url: string;
  readonly method: string;
  /** Asked for, a second; the mean where it varies. */
  readonly rate: number;
  /** ISO time at which it began. */
  readonly startedAt: string;
  /** Finished a second, over the whole run. */
  readonly achievedRate: number;
  readonly durationSeconds: number;
  readonly requests: number;
  readonly ok: number;
  /** Number of failed requests by kind; empty when there were none. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of all requests, failed ones included, from the moment each was meant to start. */
  readonly latencyMs: Latencies;
  /** Requests by `namespace/pod`. */
  readonly perPod: Readonly<Record<string, number>>;
  readonly perPodLatencyMs: Readonly<Record<string, Latencies>>;
  /** The first failures, to see when and where they happened. */
  readonly failures: ReadonlyArray<{ readonly atSeconds: number; readonly kind: string; readonly pod: string }>;
  /** Second by second. */
  readonly timeline: readonly Second[];
}

const MAX_FAILURES_KEPT = 20;
/** Microseconds; one hour is longer than any timeout that makes sense. */
const HIGHEST = 3_600_000_000;

export class LoadRecorder {
  readonly #all = histogram();
  readonly #pods = new Map<string, { count: number; latencies: RecordableHistogram }>();
  readonly #errors = new Map<string, number>();
  readonly #failures: Array<{ atSeconds: number; kind: string; pod: string }> = [];
  readonly #timeline = new Timeline();
  requests = 0;
  failed = 0;

  /** `atMs`: since the start of the run. */
  record(result: Result, atMs: number): void {
    this.requests++;
    this.#timeline.record(result, atMs - result.latencyMs);
    const microseconds = Math.min(HIGHEST, Math.max(1, Math.round(result.latencyMs * 1000)));
    this.#all.record(microseconds);
    if (result.pod !== '') {
      let pod = this.#pods.get(result.pod);
      if (pod === undefined) {
        pod = { count: 0, latencies: histogram() };
        this.#pods.set(result.pod, pod);
      }
      pod.count++;
      pod.latencies.record(microseconds);
    }
    if (result.failure !== undefined) this.#fail(result.failure, result.pod, atMs);
  }

  #fail(kind: string, pod: string, atMs: number): void {
    this.failed++;
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
    if (this.#failures.length < MAX_FAILURES_KEPT) {
      this.#failures.push({ atSeconds: Math.round(atMs) / 1000, kind, pod });
    }
  }

  /** Nothing that was meant to start before `startMs` is under way any more. */
  settle(startMs: number): void {
    this.#timeline.close(startMs);
  }

  latencies(): Latencies {
    return latenciesOf(this.#all);
  }

  report(run: { url: string; method: string; rate: number; startedAt: string; elapsedMs: number }): LoadReport {
    const pods = [...this.#pods].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      url: run.url,
      method: run.method,
      rate: rounded(run.rate),
      startedAt: run.startedAt,
      achievedRate: rounded((this.requests * 1000) / Math.max(1, run.elapsedMs)),
      durationSeconds: rounded(run.elapsedMs / 1000),
      requests: this.requests,
      ok: this.requests - this.failed,
      errors: Object.fromEntries(this.#errors),
      latencyMs: this.latencies(),
      perPod: Object.fromEntries(pods.map(([name, { count }]) => [name, count])),
      perPodLatencyMs: Object.fromEntries(pods.map(([name, { latencies }]) => [name, latenciesOf(latencies)])),
      failures: [...this.#failures],
      timeline: this.#timeline.seconds(),
    };
  }
}

function histogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: HIGHEST, figures: 3 });
}

function latenciesOf(recorded: RecordableHistogram): Latencies {
  const at = (percentile: number): number =>
    recorded.count === 0 ? 0 : rounded(recorded.percentile(percentile) / 1000);
  return {
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: recorded.count === 0 ? 0 : rounded(recorded.max / 1000),
  };
}

/** Two decimals: a hundredth of a millisecond is finer than anything a network does. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
