// How long a Job waits before it makes another pod after failures: 10 s, doubled with each, ten minutes at most.
// Pure: read off the pods that are there, so that a restart forgets nothing. Upstream: pkg/controller/job/backoff_utils.go.
import type { Pod } from 'kubernetes-types/core/v1.js';

const BASE_MS = 10_000;
const CAP_MS = 600_000;

/** Wall time at which the pod ended, as well as it is known. */
export function finishedAt(pod: Pod, now: number): number {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const ends = statuses.flatMap(({ state }) => {
    const at = Date.parse(String(state?.terminated?.finishedAt ?? ''));
    return Number.isNaN(at) ? [] : [at];
  });
  if (ends.length > 0) return Math.max(...ends);
  const fallback =
    pod.metadata?.deletionTimestamp ?? pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  const at = Date.parse(String(fallback ?? ''));
  return Number.isNaN(at) ? now : Math.min(now, at);
}

/** Milliseconds still to wait `failures` failures after the last success, the latest of them at `last`. */
export function backoffLeft(failures: number, last: number, now: number): number {
  if (failures === 0) return 0;
  // 2^6 * 10 s is past the cap; higher powers need not be computed.
  const delay = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 6));
  return Math.max(0, last + delay - now);
}

/** Failures since the last success, and when the latest was. */
export function recentFailures(
  succeeded: readonly Pod[],
  failed: readonly Pod[],
  now: number,
): { count: number; last: number } {
  const since = Math.max(0, ...succeeded.map((pod) => finishedAt(pod, now)));
  const times = failed.map((pod) => finishedAt(pod, now)).filter((at) => at > since);
  return { count: times.length, last: Math.max(0, ...times) };
}
