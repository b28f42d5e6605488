// The names that make a StatefulSet's pods themselves: pod, host, claims, labels.
// Pure. Upstream: stateful_set_utils.go.
import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { controllerReference } from '../common/owners.ts';
import { POD_REVISION } from '../revisions/data.ts';

export const STATEFUL_SETS = builtin('StatefulSet');
const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

export function startOrdinal(set: StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata?.name}-${ordinal}`;
}

/** Undefined for a pod whose name is not the set's with a number. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata?.name}-`;
  const name = pod.metadata?.name ?? '';
  const text = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined;
}

export function podRevision(pod: Pod): string | undefined {
  return pod.metadata?.labels?.[POD_REVISION];
}

export function claimName(template: PersistentVolumeClaim, set: StatefulSet, ordinal: number): string {
  return `${template.metadata?.name}-${podName(set, ordinal)}`;
}

export function podFor(
  set: StatefulSet,
  template: PodTemplateSpec | undefined,
  revision: string,
  ordinal: number,
): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const name = podName(set, ordinal);
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: set.metadata?.namespace,
      labels: { ...labels, [POD_REVISION]: revision, ...identityLabels(name, ordinal) },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(STATEFUL_SETS, set)],
    },
    spec: { containers: [], ...template?.spec, hostname: name },
  };
  if ((set.spec?.serviceName ?? '') !== '' && pod.spec !== undefined) pod.spec.subdomain = set.spec?.serviceName;
  if (pod.spec !== undefined) pod.spec.volumes = withClaims(set, pod, ordinal);
  return pod;
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [POD_NAME]: name, [POD_INDEX]: String(ordinal) };
}

/** A volume of the template under the name of a claim gives way to the claim. */
function withClaims(set: StatefulSet, pod: Pod, ordinal: number): NonNullable<Pod['spec']>['volumes'] {
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const named = new Set(claims.map((template) => template.metadata?.name));
  return [
    ...(pod.spec?.volumes ?? []).filter((volume) => !named.has(volume.name)),
    ...claims.map((template) => ({
      name: template.metadata?.name ?? '',
      persistentVolumeClaim: { claimName: claimName(template, set, ordinal) },
    })),
  ];
}

/** Labels that a pod lacks, e.g. one that was adopted. */
export function missingLabels(set: StatefulSet, pod: Pod): Record<string, string> | undefined {
  const ordinal = ordinalOf(set, pod);
  if (ordinal === undefined) return undefined;
  const wanted = Object.entries(identityLabels(pod.metadata?.name ?? '', ordinal));
  const lacking = wanted.filter(([key, value]) => pod.metadata?.labels?.[key] !== value);
  return lacking.length === 0 ? undefined : Object.fromEntries(lacking);
}

export function claimsFor(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name: claimName(template, set, ordinal),
      namespace: set.metadata?.namespace,
      labels: { ...template.metadata?.labels, ...set.spec?.selector?.matchLabels },
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
  }));
}
