// Sets of completion indexes in the form that a Job's status has them: `0-2,5`.
// Pure. Upstream: pkg/controller/job/indexed_job_utils.go.
import type { Pod } from 'kubernetes-types/core/v1.js';

export const INDEX = 'batch.kubernetes.io/job-completion-index';

/** Indexes below `completions`; what cannot be read is left out. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) continue;
    const end = Math.min(Number(last ?? first), completions - 1);
    for (let index = Number(first); index <= end; index++) indexes.add(index);
  }
  return indexes;
}

/** Runs of three and more are written as a range, as upstream. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] ?? 0;
    let last = first;
    while (sorted[at + 1] === last + 1) {
      last++;
      at++;
    }
    at++;
    if (last === first) parts.push(String(first));
    else parts.push(last === first + 1 ? `${first},${last}` : `${first}-${last}`);
  }
  return parts.join(',');
}

/** The pod's index; undefined when it has none that could be. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[INDEX];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The lowest `count` indexes that are in none of the sets. */
export function pendingIndexes(completions: number, count: number, taken: readonly ReadonlySet<number>[]): number[] {
  const pending: number[] = [];
  for (let index = 0; index < completions && pending.length < count; index++) {
    if (!taken.some((set) => set.has(index))) pending.push(index);
  }
  return pending;
}
