// Rules of containers that are added to a running pod: what they may not have, and that they stay as they are.
// Knows them alone. Upstream source: validateEphemeralContainers and ValidatePodEphemeralContainersUpdate.
import type { EphemeralContainer, PodSpec } from 'kubernetes-types/core/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';

/** They come and go; nobody waits for them, asks how they are, or keeps room for them. */
const notAllowed = ['lifecycle', 'livenessProbe', 'ports', 'readinessProbe', 'resources', 'startupProbe'] as const;

/** Beside the rules of all containers. */
export function validateEphemeral(container: EphemeralContainer, spec: PodSpec, path: FieldPath, report: Report): void {
  for (const field of notAllowed) {
    if (!isEmpty(container[field])) report.forbidden(child(path, field), 'cannot be set for an Ephemeral Container');
  }
  if (container.restartPolicy !== undefined) {
    report.forbidden(child(path, 'restartPolicy'), 'cannot be set for an Ephemeral Container');
  }
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const here = at(child(path, 'volumeMounts'), index);
    for (const field of ['subPath', 'subPathExpr'] as const) {
      if ((mount[field] ?? '') !== '') report.forbidden(child(here, field), 'cannot be set for an Ephemeral Container');
    }
  }
  const target = container.targetContainerName ?? '';
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  if (target !== '' && !others.some(({ name }) => name === target))
    report.notFound(child(path, 'targetContainerName'), target);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

export function validateEphemeralUpdate(next: PodSpec, previous: PodSpec, report: Report): void {
  const path = child('spec', 'ephemeralContainers');
  const after = new Map((next.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const [index, before] of (previous.ephemeralContainers ?? []).entries()) {
    const now = after.get(before.name);
    if (now === undefined) {
      report.forbidden(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`);
    } else if (!jsonEqual(now, before)) {
      report.forbidden(
        at(path, index),
        `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`,
      );
    }
  }
}
