// The claims of a StatefulSet's pods: made before the pod, and given to whoever's end shall end them.
// Knows claims; volumes are another controller's.
import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import type { ControllerContext } from '../controller.ts';
import { claimName, claimsFor, ordinalOf, podName, STATEFUL_SETS } from './identity.ts';

export const CLAIMS = builtin('PersistentVolumeClaim');
export const PODS = builtin('Pod');

/**
 * Makes what is missing. `false` while an old claim is on its way out: a pod that took it up now would lose it.
 * Throws when a claim cannot be made.
 */
export async function ensureClaims(
  { client, events }: ControllerContext,
  claims: Informer<PersistentVolumeClaim>,
  set: StatefulSet,
  ordinal: number,
): Promise<boolean> {
  const pod = podName(set, ordinal);
  const setName = set.metadata?.name;
  for (const wanted of claimsFor(set, ordinal)) {
    const name = wanted.metadata?.name ?? '';
    const there = claims.get(`${set.metadata?.namespace}/${name}`);
    if (there !== undefined) {
      // Given to a pod of the past, it goes with that pod.
      const doomed = there.metadata?.ownerReferences?.some(({ kind, name: owner }) => kind === 'Pod' && owner === pod);
      if (there.metadata?.deletionTimestamp !== undefined || doomed === true) return false;
      continue;
    }
    try {
      await client.create(CLAIMS, { ...wanted, metadata: { ...wanted.metadata, ...ownedBy(set) } });
      const message = `create Claim ${name} Pod ${pod} in StatefulSet ${setName} success`;
      events.event(set, 'Normal', 'SuccessfulCreate', message);
    } catch (error) {
      if (isStatus(error, 409)) continue;
      const message = `create Claim ${name} for Pod ${pod} in StatefulSet ${setName} failed error: ${(error as Error).message}`;
      events.event(set, 'Warning', 'FailedCreate', message);
      throw error;
    }
  }
  return true;
}

function ownedBy(set: StatefulSet): { ownerReferences?: OwnerReference[] } {
  const owners = ownersOf(set, undefined, false);
  return owners.length === 0 ? {} : { ownerReferences: owners };
}

/** Who of the set and the pod a claim is to go with. */
function ownersOf(set: StatefulSet, pod: Pod | undefined, condemned: boolean): OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  if (condemned && whenScaled === 'Delete' && pod !== undefined) {
    return [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' }];
  }
  if (whenDeleted !== 'Delete') return [];
  const { name = '', uid = '' } = set.metadata ?? {};
  return [{ apiVersion: 'apps/v1', kind: STATEFUL_SETS.kind, name, uid }];
}

/** Brings the owners of the pod's claims to what persistentVolumeClaimRetentionPolicy says. Others' stay. */
export async function retain(
  { client }: ControllerContext,
  claims: Informer<PersistentVolumeClaim>,
  set: StatefulSet,
  pod: Pod,
  condemned: boolean,
): Promise<void> {
  const ordinal = ordinalOf(set, pod);
  if (ordinal === undefined) return;
  const mine = new Set([set.metadata?.uid, pod.metadata?.uid]);
  for (const template of set.spec?.volumeClaimTemplates ?? []) {
    const claim = claims.get(`${set.metadata?.namespace}/${claimName(template, set, ordinal)}`);
    if (claim === undefined || claim.metadata?.deletionTimestamp !== undefined) continue;
    const before = claim.metadata?.ownerReferences ?? [];
    const ownerReferences = [...before.filter(({ uid }) => !mine.has(uid)), ...ownersOf(set, pod, condemned)];
    if (semanticallyEqual(before, ownerReferences)) continue;
    const next = { ...claim, metadata: { ...claim.metadata, ownerReferences } };
    await client.update<PersistentVolumeClaim>(CLAIMS, next);
  }
}

export function usesClaims(set: StatefulSet): boolean {
  return (set.spec?.volumeClaimTemplates ?? []).length > 0;
}
