// Which ReplicaSet is the new one, and the revision numbers that rollout history and undo read.
// Pure; upstream: util/deployment_util.go.
import { createHash } from 'node:crypto';
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { canonical } from '../common/canonical.ts';

export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** Annotations of a Deployment that say something about itself and must not reach its ReplicaSets. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);
const MAX_HISTORY_LENGTH = 2000;
/** No vowels and no look-alikes, so that a hash never spells a word. */
const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

type Annotations = Record<string, string>;

/** Ten characters, the same for templates that mean the same. `collisions` makes another one out of the same template. */
export function templateHash(template: PodTemplateSpec | undefined, collisions = 0): string {
  const digest = createHash('sha256')
    .update(`${canonical(withoutHash(template))}#${collisions}`)
    .digest();
  return [...digest.subarray(0, 10)].map((byte) => SAFE_ALPHABET[byte % SAFE_ALPHABET.length]).join('');
}

export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return canonical(withoutHash(a)) === canonical(withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {};
  const { creationTimestamp: _never, ...metadata } = template?.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

/** The set with the Deployment's template; of several the oldest, so that it does not change with every look. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return oldestFirst(sets).find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
}

export function oldestFirst(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return [...sets].sort(
    (a, b) => compareText(a.metadata?.creationTimestamp, b.metadata?.creationTimestamp) || byName(a, b),
  );
}

export function byName(a: ReplicaSet, b: ReplicaSet): number {
  return compareText(a.metadata?.name, b.metadata?.name);
}

function compareText(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b);
}

/** Revision of a set or Deployment; 0 when it has none. */
export function revisionOf(object: Deployment | ReplicaSet): number {
  const revision = Number(object.metadata?.annotations?.[REVISION] ?? '0');
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The revision that a set gets when it becomes the new one. */
export function nextRevision(old: readonly ReplicaSet[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1;
}

/**
 * Annotations of the new set: the Deployment's, the revision, and the sizes that proportional scaling reads. A set that
 * becomes new once more (after an undo) remembers in its history the revisions it has had.
 */
export function newSetAnnotations(
  deployment: Deployment,
  existing: Annotations | undefined,
  revision: number,
  sizes: { desired: number; max: number },
): Annotations {
  const annotations: Annotations = { ...existing };
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const before = annotations[REVISION];
  if (Number(before ?? '0') < revision) {
    annotations[REVISION] = String(revision);
    if (existing !== undefined && before !== undefined) {
      annotations[REVISION_HISTORY] = appendHistory(annotations[REVISION_HISTORY], before);
    }
  }
  // The sizes of a set that exists are written only together with its scale: a difference is how scaling is noticed.
  return existing === undefined ? { ...annotations, ...sizeAnnotations(sizes) } : annotations;
}

export function sizeAnnotations(sizes: { desired: number; max: number }): Annotations {
  return { [DESIRED_REPLICAS]: String(sizes.desired), [MAX_REPLICAS]: String(sizes.max) };
}

/** An integer annotation, undefined when it is absent or no integer. */
export function intAnnotation(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata?.annotations?.[name];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function appendHistory(history: string | undefined, revision: string): string {
  const revisions = [...(history === undefined || history === '' ? [] : history.split(',')), revision];
  while (revisions.join(',').length > MAX_HISTORY_LENGTH) revisions.shift();
  return revisions.join(',');
}
