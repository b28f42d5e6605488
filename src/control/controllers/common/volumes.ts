// Whether a volume is meant for a claim, and fit for it: for the binder and for the scheduler.
// Pure. Upstream: component-helpers/storage/volume.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { compareQuantities, parseQuantity, type Quantity } from '#kube/api/quantity.ts';

const LEGACY_CLASS = 'volume.beta.kubernetes.io/storage-class';

export function classOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return object.metadata?.annotations?.[LEGACY_CLASS] ?? object.spec?.storageClassName ?? '';
}

/** The volume says that it is for this claim, and for no earlier one of that name. */
export function isFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec?.claimRef;
  if (ref?.name !== claim.metadata?.name || ref?.namespace !== claim.metadata?.namespace) return false;
  return (ref?.uid ?? '') === '' || ref?.uid === claim.metadata?.uid;
}

/** Why a volume that was asked for by name cannot serve; undefined when it can. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) return 'requested PV is too small';
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match';
  if ((volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) {
    return 'incompatible volumeMode';
  }
  const offered = volume.spec?.accessModes ?? [];
  if (!(claim.spec?.accessModes ?? []).every((mode) => offered.includes(mode))) return 'incompatible accessMode';
  return undefined;
}

export function capacityOf(volume: PersistentVolume): Quantity {
  return parseQuantity(volume.spec?.capacity?.storage ?? '0');
}

function requestOf(claim: PersistentVolumeClaim): Quantity {
  return parseQuantity(claim.spec?.resources?.requests?.storage ?? '0');
}
