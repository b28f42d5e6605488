// A load run second by second: what was asked for, what came of it, how long it took and who answered.
// Knows no HTTP and no clock; a second is that in which a request was meant to start, whenever its answer came.
import type { Result } from './report.ts';

/** What became of the requests that were meant to start within one second. Latencies are milliseconds. */
export interface Second {
  /** Seconds from the start of the run. */
  readonly at: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Requests by `namespace/pod`, of those that said who answered. */
  readonly perPod: Readonly<Record<string, number>>;
  /** Failed requests by kind; empty when there were none. */
  readonly errors: Readonly<Record<string, number>>;
}

interface Open {
  readonly latencies: number[];
  readonly pods: Map<string, number>;
  readonly errors: Map<string, number>;
}

export class Timeline {
  readonly #open = new Map<number, Open>();
  readonly #closed: Second[] = [];

  /** `startMs`: when it was meant to start, from the start of the run. */
  record({ latencyMs, pod, failure }: Result, startMs: number): void {
    const second = Math.floor(startMs / 1000);
    let open = this.#open.get(second);
    if (open === undefined) {
      open = { latencies: [], pods: new Map(), errors: new Map() };
      this.#open.set(second, open);
    }
    open.latencies.push(latencyMs);
    if (pod !== '') open.pods.set(pod, (open.pods.get(pod) ?? 0) + 1);
    if (failure !== undefined) open.errors.set(failure, (open.errors.get(failure) ?? 0) + 1);
  }

  /** No request that was meant to start before `beforeMs` is under way any more: those seconds are summed up. */
  close(beforeMs: number): void {
    for (const [second, open] of this.#open) {
      if ((second + 1) * 1000 > beforeMs) continue;
      this.#open.delete(second);
      this.#closed.push(summary(second, open));
    }
  }

  /** In order of time; seconds in which no request was meant to start are left out. */
  seconds(): readonly Second[] {
    const open = [...this.#open].map(([second, rest]) => summary(second, rest));
    return [...this.#closed, ...open].sort((a, b) => a.at - b.at);
  }
}

function summary(at: number, { latencies, pods, errors }: Open): Second {
  const sorted = latencies.sort((a, b) => a - b);
  const rank = (part: number): number => rounded(sorted[Math.ceil(sorted.length * part) - 1] ?? 0);
  let failed = 0;
  for (const count of errors.values()) failed += count;
  return {
    at,
    requests: sorted.length,
    failed,
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
    max: rank(1),
    perPod: Object.fromEntries(pods),
    errors: Object.fromEntries(errors),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
