// Which volume serves a claim. Pure; upstream: pkg/controller/volume/persistentvolume/index.go and pv-controller's util.
// Writes nothing.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { compareQuantities } from '#kube/api/quantity.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { capacityOf, isFor, mismatch } from '../common/volumes.ts';

/** One that is meant for the claim, or else the smallest free one that will do. */
export function bestVolume(
  volumes: readonly PersistentVolume[],
  claim: PersistentVolumeClaim,
): PersistentVolume | undefined {
  const fitting = volumes.filter(
    (volume) => volume.metadata?.deletionTimestamp === undefined && mismatch(volume, claim) === undefined,
  );
  const meant = fitting.find((volume) => isFor(volume, claim));
  if (meant !== undefined) return meant;
  const selector = claim.spec?.selector;
  return fitting
    .filter(({ spec }) => spec?.claimRef === undefined)
    .filter(({ status }) => (status?.phase ?? 'Pending') === 'Available' || status?.phase === 'Pending')
    .filter(({ metadata }) => selector === undefined || labelSelectorMatches(selector, metadata?.labels))
    .sort(
      (a, b) =>
        compareQuantities(capacityOf(a), capacityOf(b)) ||
        ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1),
    )[0];
}
