// Whether a pod takes more of the node's disk than it said it would, and in which words it is told.
// Pure; the figures are handed in. Upstream: localStorageEviction in pkg/kubelet/eviction/eviction_manager.go.
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { addQuantities, formatQuantity, parseQuantity } from '#kube/api/quantity.ts';

/** In bytes. */
export interface StorageUse {
  /** Of each emptyDir, by the name of its volume. */
  readonly volumes: ReadonlyMap<string, number>;
  /** Of each container: its own files and its logs. */
  readonly containers: ReadonlyMap<string, number>;
}

const STORAGE = 'ephemeral-storage';

function limitOf({ resources }: Container): string | undefined {
  const text = resources?.limits?.[STORAGE];
  return text === undefined || parseQuantity(text).value() <= 0 ? undefined : text;
}

function sizeLimit(volume: NonNullable<NonNullable<Pod['spec']>['volumes']>[number]): string | undefined {
  const text = volume.emptyDir?.sizeLimit;
  return text === undefined || parseQuantity(text).value() <= 0 ? undefined : text;
}

/** Whether there is anything to be looked at. */
export function hasStorageLimits({ spec }: Pod): boolean {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return (
    containers.some((each) => limitOf(each) !== undefined) || (spec?.volumes ?? []).some((each) => sizeLimit(each))
  );
}

/** The message of the eviction, the first of upstream's three that holds; undefined when the pod keeps its word. */
export function storageExceeded({ spec }: Pod, use: StorageUse): string | undefined {
  for (const volume of spec?.volumes ?? []) {
    const limit = sizeLimit(volume);
    if (limit !== undefined && (use.volumes.get(volume.name) ?? 0) > parseQuantity(limit).value()) {
      return `Usage of EmptyDir volume ${JSON.stringify(volume.name)} exceeds the limit ${JSON.stringify(limit)}. `;
    }
  }
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const together = (spec?.containers ?? []).flatMap((each) => limitOf(each) ?? []).map(parseQuantity);
  if (together.length > 0) {
    const limit = addQuantities(...together);
    // What lies in memory is bounded by the limit of memory.
    const onDisk = (spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir?.medium !== 'Memory');
    const volumes = onDisk.map(({ name }) => use.volumes.get(name) ?? 0);
    if (sum([...volumes, ...use.containers.values()]) > limit.value()) {
      return `Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(limit)}. `;
    }
  }
  for (const container of containers) {
    const limit = limitOf(container);
    if (limit !== undefined && (use.containers.get(container.name) ?? 0) > parseQuantity(limit).value()) {
      return `Container ${container.name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `;
    }
  }
  return undefined;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
