// What a ControllerRevision holds: the pod template of its owner as a patch, and the hash that names it.
// Pure; knows no kind. Upstream: pkg/controller/history/controller_history.go.
import { createHash } from 'node:crypto';
import type { ControllerRevision } from 'kubernetes-types/apps/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { canonical } from '../common/canonical.ts';

/** On pods: which revision they were made from. */
export const POD_REVISION = 'controller-revision-hash';
/** On revisions of a StatefulSet. */
export const REVISION_HASH = 'controller.kubernetes.io/hash';

/** No vowels and no look-alikes, so that a hash never spells a word. */
const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const MAX_PARENT_NAME = 223;

/** A strategic merge patch that brings a workload back to this template; `kubectl rollout undo` sends it as it is. */
export interface RevisionData {
  readonly spec: { readonly template: PodTemplateSpec & { readonly $patch: 'replace' } };
}

export function revisionData(template: PodTemplateSpec | undefined): RevisionData {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision keeps; undefined when its data is not of our making. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const { spec } = (revision.data ?? {}) as Partial<RevisionData>;
  if (spec?.template === undefined) return undefined;
  const { $patch: _, ...template } = spec.template;
  return template;
}

export function sameData(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** Ten characters; `collisions` makes another hash out of the same data. */
export function revisionHash(data: RevisionData, collisions: number): string {
  const digest = createHash('sha256')
    .update(`${canonical(data)}${collisions === 0 ? '' : `#${collisions}`}`)
    .digest();
  return [...digest.subarray(0, 10)].map((byte) => SAFE_ALPHABET[byte % SAFE_ALPHABET.length]).join('');
}

export function revisionName(parent: string, hash: string): string {
  return `${parent.slice(0, MAX_PARENT_NAME)}-${hash}`;
}

/** Oldest first: by number, then by age, then by name. */
export function inOrder(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  const created = (each: ControllerRevision): number => Date.parse(each.metadata?.creationTimestamp ?? '') || 0;
  return [...revisions].sort(
    (a, b) =>
      a.revision - b.revision ||
      created(a) - created(b) ||
      ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1),
  );
}

/**
 * Revisions to delete so that at most `limit` remain of those that no pod and no status needs (`live`, by name); the
 * oldest go first.
 */
export function surplus(
  revisions: readonly ControllerRevision[],
  live: ReadonlySet<string>,
  limit: number,
): ControllerRevision[] {
  const history = inOrder(revisions).filter((each) => !live.has(each.metadata?.name ?? ''));
  return history.slice(0, Math.max(0, history.length - limit));
}
