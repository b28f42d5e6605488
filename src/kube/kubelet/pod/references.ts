// What a pod refers to that may change under it.
// Knows the pod's fields only.
import type { Pod } from 'kubernetes-types/core/v1.js';

/** Every ConfigMap and Secret that a pod refers to, as `kind/namespace/name`. */
export function references(pod: Pod): Set<string> {
  const namespace = pod.metadata?.namespace ?? '';
  const found = new Set<string>();
  const note = (kind: 'ConfigMap' | 'Secret', name: string | undefined): void => {
    if (name !== undefined && name !== '') found.add(`${kind}/${namespace}/${name}`);
  };
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  for (const container of [...initContainers, ...containers, ...ephemeralContainers]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      note('ConfigMap', configMapRef?.name);
      note('Secret', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      note('ConfigMap', valueFrom?.configMapKeyRef?.name);
      note('Secret', valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of pod.spec?.volumes ?? []) {
    note('ConfigMap', volume.configMap?.name);
    note('Secret', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      note('ConfigMap', source.configMap?.name);
      note('Secret', source.secret?.name);
    }
  }
  return found;
}
