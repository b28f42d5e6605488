// Binds claims to volumes: both objects say so, the volume first, so that no second claim can have it.
// Does not decide which; see match.ts. Upstream: pv_controller.go.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { isFor } from '../common/volumes.ts';

export const VOLUMES = builtin('PersistentVolume');
export const CLAIMS = builtin('PersistentVolumeClaim');
export const BOUND_BY_US = 'pv.kubernetes.io/bound-by-controller';
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const STATUS = { subresource: 'status' } as const;

/** May be repeated at any point: each step is left out when it has been done. */
export async function bind(client: Client, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
  const { name = '', namespace = '', uid = '' } = claim.metadata ?? {};
  let bound = volume;
  if (!isFor(volume, claim) || volume.spec?.claimRef?.uid !== uid) {
    const chosen: Record<string, string> = volume.spec?.claimRef === undefined ? { [BOUND_BY_US]: 'yes' } : {};
    const claimRef = { apiVersion: 'v1', kind: CLAIMS.kind, name, namespace, uid };
    bound = await client.update<PersistentVolume>(VOLUMES, {
      ...volume,
      metadata: { ...volume.metadata, annotations: { ...volume.metadata?.annotations, ...chosen } },
      spec: { ...volume.spec, claimRef },
    });
  }
  await setVolumePhase(client, bound, 'Bound');
  let complete = claim;
  const annotations = claim.metadata?.annotations ?? {};
  if (claim.spec?.volumeName !== volume.metadata?.name || annotations[BIND_COMPLETED] === undefined) {
    const chosen: Record<string, string> = (claim.spec?.volumeName ?? '') === '' ? { [BOUND_BY_US]: 'yes' } : {};
    complete = await client.update<PersistentVolumeClaim>(CLAIMS, {
      ...claim,
      metadata: { ...claim.metadata, annotations: { ...annotations, ...chosen, [BIND_COMPLETED]: 'yes' } },
      spec: { ...claim.spec, volumeName: volume.metadata?.name ?? '' },
    });
  }
  const { accessModes, capacity } = volume.spec ?? {};
  await setClaimStatus(client, complete, {
    phase: 'Bound',
    ...(accessModes === undefined ? {} : { accessModes }),
    ...(capacity === undefined ? {} : { capacity }),
  });
}

export async function setVolumePhase(
  client: Client,
  volume: PersistentVolume,
  phase: string,
  message?: string,
): Promise<PersistentVolume> {
  const status = { phase, ...(message === undefined ? {} : { message }) };
  const { phase: now, message: said } = volume.status ?? {};
  if (now === phase && said === message) return volume;
  return client.update<PersistentVolume>(VOLUMES, { ...volume, status }, STATUS);
}

export async function setClaimStatus(
  client: Client,
  claim: PersistentVolumeClaim,
  status: NonNullable<PersistentVolumeClaim['status']>,
): Promise<void> {
  if (semanticallyEqual(claim.status, status)) return;
  await client.update<PersistentVolumeClaim>(CLAIMS, { ...claim, status }, STATUS);
}
