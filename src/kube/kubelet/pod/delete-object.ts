// Takes a pod whose containers are gone out of the API.
// Knows the one call, and who may have been faster.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { isBoundElsewhere } from './bound-elsewhere.ts';

export async function deletePodObject(client: Client, { metadata = {} }: Pod): Promise<void> {
  const { name = '', namespace, uid = '' } = metadata;
  try {
    await client.delete(builtin('Pod'), name, namespace, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    // Somebody was faster, or a new pod already has the name.
    if (!isStatus(error, 404) && !isStatus(error, 409) && !isBoundElsewhere(error)) throw error;
  }
}
