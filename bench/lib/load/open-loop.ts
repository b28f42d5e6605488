// Open-loop load with latencies from the intended start: a slow answer cannot slow the measurement down.
// `evenkeel load` in a thread of its own, so that what the benchmark does meanwhile delays no request.

import { Worker } from 'node:worker_threads';
import type { LoadReport } from '#app/load/report.ts';

export interface OpenLoopPlan {
  readonly url: string;
  /** `Host` header, where it is not the URL's. */
  readonly host?: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Requests without an answer for this long have failed. */
  readonly timeoutMs: number;
  readonly connections?: number;
}

/** `signal` ends the load early; the report covers what was sent until then. */
export function openLoop(plan: OpenLoopPlan, signal?: AbortSignal): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./open-loop-thread.ts', import.meta.url), { workerData: plan });
    signal?.addEventListener('abort', () => worker.postMessage('stop'), { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The load ended without a report')));
  });
}
