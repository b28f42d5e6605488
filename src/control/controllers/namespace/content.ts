// Deletes everything that stands in a namespace, and counts what is still there.
// Knows nothing of the namespace's own life.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { builtinResources } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';

export interface Remaining {
  /** `pods.` and so on as upstream prints them: resource, dot, group. */
  readonly resource: string;
  readonly count: number;
  /** How many objects each finalizer holds back. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** Every namespaced resource that can be listed and deleted, custom ones included. */
export function namespacedResources(definitions: readonly CustomResourceDefinition[]): ResourceRef[] {
  const builtins = builtinResources.filter(
    // The same events stand in two groups; once is enough.
    ({ namespaced, verbs, group }) => namespaced && verbs.includes('delete') && group !== 'events.k8s.io',
  );
  const custom = definitions.flatMap(({ spec }): ResourceRef[] => {
    const version = spec.versions.find((candidate) => candidate.served);
    if (spec.scope !== 'Namespaced' || version === undefined) return [];
    return [
      {
        group: spec.group,
        version: version.name,
        resource: spec.names.plural,
        kind: spec.names.kind,
        namespaced: true,
      },
    ];
  });
  return [...builtins, ...custom];
}

/** Asks for the deletion of all objects of one resource; resolves with what is left, undefined when nothing is. */
export async function emptyResource(
  client: Client,
  ref: ResourceRef,
  namespace: string,
): Promise<Remaining | undefined> {
  const found = await listOrNone(client, ref, namespace);
  let count = 0;
  const finalizers = new Map<string, number>();
  for (const object of found) {
    const { name = '', uid, deletionTimestamp } = object.metadata ?? {};
    if (deletionTimestamp === undefined) {
      try {
        const options = {
          propagationPolicy: 'Background',
          ...(uid === undefined ? {} : { preconditions: { uid } }),
        } as const;
        await client.delete(ref, name, namespace, options);
      } catch (error) {
        if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
      }
    }
  }
  for (const object of found.length === 0 ? [] : await listOrNone(client, ref, namespace)) {
    count += 1;
    for (const name of object.metadata?.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  }
  return count === 0 ? undefined : { resource: `${ref.resource}.${ref.group}`, count, finalizers };
}

/** A custom resource may vanish between being known and being listed; then it has no objects either. */
async function listOrNone(client: Client, ref: ResourceRef, namespace: string) {
  try {
    return (await client.list(ref, { namespace })).items;
  } catch (error) {
    if (isStatus(error, 404) || isStatus(error, 405)) return [];
    throw error;
  }
}
