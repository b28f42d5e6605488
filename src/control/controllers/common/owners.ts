// Owner references: who controls an object, and how a controller claims what matches its selector.
// Knows no kind.
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { KubeObject, OwnerReference } from '#kube/api/object.ts';
import { apiVersionOf } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';

/** The one owner that manages the object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller === true);
}

/** A reference that makes `owner` the controller of what carries it. */
export function controllerReference(ref: ResourceRef, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Index function: the uid of the controller, or `orphan:<namespace>` for what nobody controls. */
export function byController(object: KubeObject): readonly string[] {
  const owner = controllerOf(object);
  return [owner?.uid ?? orphanKey(object.metadata?.namespace)];
}

export const BY_CONTROLLER = 'controller';

export function orphanKey(namespace: string | undefined): string {
  return `orphan:${namespace ?? ''}`;
}

export interface Claim<T extends KubeObject> {
  readonly client: Client;
  readonly ownerRef: ResourceRef;
  readonly owner: KubeObject;
  readonly selector: LabelSelector | undefined;
  readonly dependentRef: ResourceRef;
  /** Objects that the owner controls, and objects that nobody controls. */
  readonly candidates: readonly T[];
  /** Objects that must not be adopted, e.g. finished pods. */
  readonly adoptable?: (object: T) => boolean;
  /** Put on what is adopted, and taken off what is released. */
  readonly finalizer?: string;
}

/**
 * Returns what the owner controls after adopting the orphans that match its selector and releasing what no longer does
 * (upstream: ControllerRefManager). The owner's deletion is checked at the server before anything is adopted.
 */
export async function claim<T extends KubeObject>(claim: Claim<T>): Promise<T[]> {
  const { owner, selector, candidates } = claim;
  const uid = owner.metadata?.uid;
  const claimed: T[] = [];
  let mayAdopt: boolean | undefined;
  for (const object of candidates) {
    const matches = labelSelectorMatches(selector, object.metadata?.labels ?? {});
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.uid !== uid) continue;
      if (matches) claimed.push(object);
      else if (owner.metadata?.deletionTimestamp === undefined) await release(claim, object);
      continue;
    }
    if (!matches || object.metadata?.deletionTimestamp !== undefined) continue;
    if (owner.metadata?.deletionTimestamp !== undefined || claim.adoptable?.(object) === false) continue;
    mayAdopt ??= await isAlive(claim);
    if (!mayAdopt) continue;
    const adopted = await adopt(claim, object);
    if (adopted !== undefined) claimed.push(adopted);
  }
  return claimed;
}

async function isAlive<T extends KubeObject>({ client, ownerRef, owner }: Claim<T>): Promise<boolean> {
  const { name = '', namespace, uid } = owner.metadata ?? {};
  try {
    const live = await client.get(ownerRef, name, namespace);
    return live.metadata?.uid === uid && live.metadata?.deletionTimestamp === undefined;
  } catch (error) {
    if (isStatus(error, 404)) return false;
    throw error;
  }
}

async function adopt<T extends KubeObject>(
  { client, ownerRef, owner, dependentRef, finalizer }: Claim<T>,
  object: T,
): Promise<T | undefined> {
  const { name = '', namespace, uid } = object.metadata ?? {};
  const finalizers = finalizer === undefined ? {} : { finalizers: [finalizer] };
  // The uid makes the patch fail when another object has taken the name meanwhile.
  const patch = { metadata: { uid, ownerReferences: [controllerReference(ownerRef, owner)], ...finalizers } };
  try {
    return await client.patch<T>(dependentRef, name, namespace, 'strategic', patch);
  } catch (error) {
    // Gone, or another controller was faster.
    if (isStatus(error, 404) || isStatus(error, 422)) return undefined;
    throw error;
  }
}

async function release<T extends KubeObject>(
  { client, owner, dependentRef, finalizer }: Claim<T>,
  object: T,
): Promise<void> {
  const { name = '', namespace, uid } = object.metadata ?? {};
  const finalizers = finalizer === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': [finalizer] };
  const ownerReferences = [{ $patch: 'delete', uid: owner.metadata?.uid }];
  const patch = { metadata: { uid, ownerReferences, ...finalizers } };
  try {
    await client.patch<T>(dependentRef, name, namespace, 'strategic', patch);
  } catch (error) {
    if (!isStatus(error, 404) && !isStatus(error, 422)) throw error;
  }
}
