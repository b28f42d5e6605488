// The thread of an open-loop load: runs its plan, posts the report, ends.
// Knows nothing of the benchmark.

import { parentPort, workerData } from 'node:worker_threads';
import { runLoad } from '#app/load/run.ts';
import { constantRate } from '#app/load/schedule.ts';
import type { OpenLoopPlan } from './open-loop.ts';

const plan = workerData as OpenLoopPlan;
const stop = new AbortController();
parentPort?.once('message', () => stop.abort());
// Waiting for that word keeps nobody.
parentPort?.unref();
parentPort?.postMessage(
  await runLoad({
    url: new URL(plan.url),
    ...(plan.host === undefined ? {} : { host: plan.host }),
    signal: stop.signal,
    schedule: constantRate(plan.rate, plan.seconds * 1000),
    method: 'GET',
    headers: [],
    connections: plan.connections ?? 2000,
    timeoutMs: plan.timeoutMs,
    insecure: true,
  }),
);
