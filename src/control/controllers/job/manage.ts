// How many pods a Job should run now: which are too many, which are missing, and what has to wait.
// Pure. Upstream: manageJob of pkg/controller/job/job_controller.go.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { comparePods } from '../replicaset/ranking.ts';
import { backoffLeft, finishedAt, recentFailures } from './backoff.ts';
import { indexOf, pendingIndexes } from './indexes.ts';
import type { IndexFailures } from './template.ts';
import { indexFailures, isSuspended, type JobView } from './view.ts';

export interface Missing {
  readonly index?: number;
  readonly failures?: IndexFailures;
}

export interface Moves {
  readonly remove: readonly Pod[];
  readonly create: readonly Missing[];
  /** Something waits for its back-off. */
  readonly waitMs?: number;
}

/** Pods created or deleted in one reconcile at most, as upstream. */
const BURST = 500;
const nothing: Moves = { remove: [], create: [] };

/** `now` is wall time. Removals come first: a reconcile that removes creates nothing. */
export function movesOf(view: JobView, now: number): Moves {
  const { job, active } = view;
  if (isSuspended(job)) return { ...nothing, remove: active };
  const { completions, parallelism = 1 } = job.spec ?? {};
  const goal = completions === undefined ? undefined : Math.max(0, Math.min(parallelism, completions - view.succeeded));
  // Without a number of completions the first success means that no more pods are needed.
  const wanted = goal ?? (view.succeeded > 0 ? active.length : parallelism);
  const remove = surplus(view, active.length - wanted, now).slice(0, BURST);
  if (remove.length > 0) return { ...nothing, remove };
  const leaving = job.spec?.podReplacementPolicy === 'Failed' ? view.terminating : [];
  const missing = Math.min(wanted - active.length - leaving.length, BURST);
  if (missing <= 0) return nothing;
  if (!view.perIndex) {
    const { count, last } = recentFailures(
      view.pods.filter(({ status }) => status?.phase === 'Succeeded'),
      view.pods.filter(view.isFailed),
      now,
    );
    const waitMs = backoffLeft(count, last, now);
    if (waitMs > 0) return { ...nothing, waitMs };
  }
  if (!view.indexed) return { ...nothing, create: Array.from({ length: missing }, () => ({})) };
  const indexesOf = (pods: readonly Pod[]): Set<number> => new Set(pods.map((pod) => indexOf(pod) ?? -1));
  const taken = [view.succeededIndexes, view.failedIndexes, indexesOf(active), indexesOf(leaving)];
  const pending = pendingIndexes(completions ?? 0, missing, taken);
  return view.perIndex ? withFailures(view, pending, now) : { ...nothing, create: pending.map((index) => ({ index })) };
}

/** Each index waits for itself, and its next pod carries its failures on. */
function withFailures(view: JobView, pending: readonly number[], now: number): Moves {
  const held = heldPods(view);
  const waits: number[] = [];
  const create = pending.flatMap((index): Missing[] => {
    const last = held.get(index);
    const failures = last === undefined ? { counted: 0, ignored: 0 } : indexFailures(view.job, last);
    const wait = last === undefined ? 0 : backoffLeft(failures.counted + failures.ignored, finishedAt(last, now), now);
    if (wait > 0) waits.push(wait);
    return wait > 0 ? [] : [{ index, failures }];
  });
  return { remove: [], create, ...(waits.length > 0 ? { waitMs: Math.min(...waits) } : {}) };
}

/** By index, the failed pod that is kept until its successor is there: it carries the count of failures. */
export function heldPods(view: JobView): Map<number, Pod> {
  const held = new Map<number, Pod>();
  if (!view.perIndex) return held;
  const running = new Set(view.active.map(indexOf));
  const total = (pod: Pod): number => {
    const { counted, ignored } = indexFailures(view.job, pod);
    return counted + ignored;
  };
  for (const pod of view.pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= (view.job.spec?.completions ?? 0)) continue;
    if (!view.isFailed(pod) || !view.isTracked(pod) || running.has(index)) continue;
    if (view.succeededIndexes.has(index) || view.failedIndexes.has(index)) continue;
    const before = held.get(index);
    if (before === undefined || total(before) <= total(pod)) held.set(index, pod);
  }
  return held;
}

/** At least `count` pods to remove; of an Indexed Job also those that share an index or have none that counts. */
function surplus(view: JobView, count: number, now: number): Pod[] {
  const order = (a: Pod, b: Pod): number => comparePods(a, b, () => 0, now);
  const sorted = [...view.active].sort(order);
  const remove: Pod[] = [];
  if (view.indexed) {
    const seen = new Set<number>();
    // The last in the order is the one worth most.
    for (const pod of [...sorted].reverse()) {
      const index = indexOf(pod);
      if (index === undefined || index >= (view.job.spec?.completions ?? 0) || seen.has(index)) remove.push(pod);
      else seen.add(index);
    }
  }
  for (const pod of sorted) if (remove.length < count && !remove.includes(pod)) remove.push(pod);
  return remove;
}
