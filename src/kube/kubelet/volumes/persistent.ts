// The directory behind a claim: what the volume it is bound to says.
// Makes no directory and binds nothing; a claim without volume is to be waited for.
import type {
  HostPathVolumeSource,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Volume,
} from 'kubernetes-types/core/v1.js';
import { VolumeError } from './payload.ts';

/** Fresh reads; `undefined` when there is none. */
export interface StorageSource {
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
}

/** The claim is not there, not bound yet, or going. */
export class UnboundClaimError extends VolumeError {
  constructor(volume: string, claim: string, why: string) {
    super(
      `Unable to attach or mount volumes: unmounted volumes=[${volume}], unattached volumes=[], ` +
        `failed to process volumes=[${volume}]: error processing PVC ${claim}: ${why}`,
    );
  }
}

/** Throws `VolumeError`. */
export async function persistentSource(
  storage: StorageSource,
  pod: Pod,
  { name, persistentVolumeClaim }: Volume,
): Promise<HostPathVolumeSource> {
  const namespace = pod.metadata?.namespace ?? '';
  const claimName = persistentVolumeClaim?.claimName ?? '';
  const key = `${namespace}/${claimName}`;
  const claim = await storage.claim(namespace, claimName);
  if (claim === undefined) {
    const why = `failed to fetch PVC from API server: persistentvolumeclaims "${claimName}" not found`;
    throw new UnboundClaimError(name, key, why);
  }
  // Containers of a pod that runs already may still be restarted.
  const running = (pod.status?.containerStatuses ?? []).length > 0;
  if (claim.metadata?.deletionTimestamp !== undefined && !running) {
    throw new UnboundClaimError(name, key, 'PVC is being deleted');
  }
  const volumeName = claim.spec?.volumeName ?? '';
  if (claim.status?.phase !== 'Bound' || volumeName === '') throw new UnboundClaimError(name, key, 'PVC is not bound');
  const volume = await storage.volume(volumeName);
  if (volume === undefined || volume.spec?.claimRef?.uid !== claim.metadata?.uid) {
    throw new UnboundClaimError(name, key, `PV "${volumeName}" is not bound to it`);
  }
  const { hostPath, local } = volume.spec ?? {};
  if (hostPath !== undefined) return hostPath;
  if (local !== undefined) return { path: local.path, type: 'Directory' };
  throw new VolumeError(
    `persistent volume "${volumeName}" is of a kind that this node cannot provide; it has hostPath and local`,
  );
}
