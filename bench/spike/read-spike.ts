// What a spike came to: how long requests were slow from the start of its peak on, and how the replicas went.
// Pure; knows the load's report and the shape of the profile.

import type { ReplicaPoint } from '../../src/app/load/cluster-watch.ts';
import type { LoadReport } from '../../src/app/load/report.ts';

/** Parts of the whole time at which the profile reaches its peak, and leaves it. */
const HIGH = 0.22;
const FALLS = 0.65;

export interface SpikeResult {
  readonly requests: number;
  readonly failed: number;
  /** From the start of the peak to the end of its last slow second; 0 when there was none, undefined when it never got well. */
  readonly slowSeconds: number | undefined;
  /** Highest p99 of the last quarter of the peak, milliseconds. */
  readonly lateP99: number;
  /** `0: 2, 26: 4`: seconds from the start, and pods that were ready from then on. */
  readonly replicas: string;
}

export function readSpike(
  { timeline, durationSeconds, requests, ok }: LoadReport,
  points: readonly ReplicaPoint[],
  limitMs: number,
): SpikeResult {
  const from = Math.floor(durationSeconds * HIGH);
  const to = Math.floor(durationSeconds * FALLS);
  const peak = timeline.filter(({ at }) => at >= from && at < to);
  const lastSlow = peak.filter(({ p99 }) => p99 >= limitMs).at(-1);
  const slowSeconds = lastSlow === undefined ? 0 : lastSlow.at + 1 - from;
  const late = peak.slice(Math.floor(peak.length * 0.75));
  const path: string[] = [];
  let before: number | undefined;
  for (const { at, ready } of points) {
    if (ready === before) continue;
    path.push(`${Math.max(0, Math.round(at))}: ${ready}`);
    before = ready;
  }
  return {
    requests,
    failed: requests - ok,
    slowSeconds: lastSlow !== undefined && lastSlow === peak.at(-1) ? undefined : slowSeconds,
    lateP99: Math.max(0, ...late.map(({ p99 }) => p99)),
    replicas: path.join(', '),
  };
}
