// Writes to pods that several controllers make, each of them of no consequence when the pod has gone meanwhile.
// Decides nothing.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import type { ControllerContext } from '../controller.ts';
import type { Expectations } from './expectations.ts';

const PODS = builtin('Pod');

/** A strategic patch merges conditions by type, so that those of others stay. */
export async function patchPodStatus(
  client: Client,
  pod: Pod,
  status: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name = '', namespace, uid } = pod.metadata ?? {};
  const patch = { metadata: { uid }, status };
  try {
    await client.patch<Pod>(PODS, name, namespace, 'strategic', patch, { subresource: 'status' });
  } catch (error) {
    if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
  }
}

/** Deletes a pod of `owner`, which was expected under `key`, and tells of it. */
export async function deletePodOf(
  owner: KubeObject,
  key: string,
  pod: Pod,
  { client, events }: Pick<ControllerContext, 'client' | 'events'>,
  expectations: Expectations,
): Promise<void> {
  const { name = '', namespace, uid } = pod.metadata ?? {};
  try {
    await client.delete(PODS, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
    events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  } catch (error) {
    expectations.deleted(key, objectKey(pod));
    if (isStatus(error, 404) || isStatus(error, 409)) return;
    events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
    throw error;
  }
}
