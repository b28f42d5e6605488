// Directories of this machine as volumes: what they are called, and how one is thrown away.
// Touches nothing outside the one directory it is given.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { classOf } from '../common/volumes.ts';

export const PROVISIONER = 'evenkeel.dev/host-path';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
const CLAIM = builtin('PersistentVolumeClaim');

/** Why no directory can be made for the claim. */
export function obstacle({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec?.selector !== undefined) return 'claim Selector is not supported';
  if (spec?.volumeMode === 'Block') return `${PROVISIONER} makes directories: volumeMode must be Filesystem`;
  return undefined;
}

/** The kubelet makes the directory when a pod first uses it. */
export function volumeFor(claim: PersistentVolumeClaim, storageClass: StorageClass, root: string): PersistentVolume {
  const { name = '', namespace = '', uid = '' } = claim.metadata ?? {};
  const volume = `pvc-${uid}`;
  const { mountOptions, reclaimPolicy = 'Delete' } = storageClass;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volume, annotations: { [PROVISIONED_BY]: PROVISIONER } },
    spec: {
      accessModes: [...(claim.spec?.accessModes ?? [])],
      capacity: { storage: claim.spec?.resources?.requests?.storage ?? '0' },
      claimRef: { apiVersion: 'v1', kind: CLAIM.kind, name, namespace, uid },
      hostPath: { path: join(root, volume), type: 'DirectoryOrCreate' },
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: classOf(claim),
      volumeMode: 'Filesystem',
      ...(mountOptions === undefined ? {} : { mountOptions }),
    },
  };
}

/** Only what this provisioner has made, at the place where it makes it. */
export function isOurs({ metadata, spec }: PersistentVolume, root: string | undefined): boolean {
  if (root === undefined || metadata?.annotations?.[PROVISIONED_BY] !== PROVISIONER) return false;
  const name = metadata.name ?? '';
  return /^pvc-[0-9a-f-]+$/.test(name) && spec?.hostPath?.path === join(root, name);
}

export async function discard(volume: PersistentVolume, root: string): Promise<void> {
  await rm(join(root, volume.metadata?.name ?? ''), { recursive: true, force: true });
}
