// What a spike came to: how long requests were slow from the start of its peak on, and how the replicas went.
// Pure; knows the load's report and the shape of the profile.

import type { ReplicaPoint } from '../../src/app/load/cluster-watch.ts';
import type { LoadReport } from '../../src/app/load/report.ts';

/** Parts of the whole time at which the profile begins to rise, reaches its peak, and leaves it. */
const RISES = 0.2;
const HIGH = 0.22;
const FALLS = 0.65;

export interface SpikeResult {
  readonly requests: number;
  readonly failed: number;
  /** From the start of the peak to the end of its last slow second; 0 when there was none, undefined when it never got well. */
  readonly slowSeconds: number | undefined;
  /** Highest p99 of the last quarter of the peak, milliseconds. */
  readonly lateP99: number;
  /** Highest p99 of the peak, milliseconds. */
  readonly worstP99: number;
  /** From the start of the rise until more pods are wanted, seconds; undefined when that never was. */
  readonly decidedAfter: number | undefined;
  /** The same until more are ready. */
  readonly readyAfter: number | undefined;
  /** As `replicas`, of those that were wanted. */
  readonly wanted: string;
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
  const rises = durationSeconds * RISES;
  const calm = points.filter(({ at }) => at < rises).at(-1);
  const after = (more: (point: ReplicaPoint) => boolean): number | undefined => {
    const first = points.find((point) => point.at >= rises && more(point));
    return first && first.at - rises;
  };
  return {
    requests,
    failed: requests - ok,
    slowSeconds: lastSlow !== undefined && lastSlow === peak.at(-1) ? undefined : slowSeconds,
    lateP99: Math.max(0, ...late.map(({ p99 }) => p99)),
    worstP99: Math.max(0, ...peak.map(({ p99 }) => p99)),
    decidedAfter: calm && after(({ wanted }) => wanted > calm.wanted),
    readyAfter: calm && after(({ ready }) => ready > calm.ready),
    wanted: pathOf(points, 'wanted'),
    replicas: pathOf(points, 'ready'),
  };
}

function pathOf(points: readonly ReplicaPoint[], key: 'wanted' | 'ready'): string {
  const changes = points.filter((point, index) => point[key] !== points[index - 1]?.[key]);
  return changes.map((point) => `${Math.max(0, Math.round(point.at))}: ${point[key]}`).join(', ');
}
