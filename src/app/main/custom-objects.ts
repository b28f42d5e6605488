// Definitions of custom resources that an embedded cluster has from the start, and the first objects of them.
// Knows no resource by name.
import { applyDefaults } from '#kube/api/defaulting/index.ts';
import type { Definition } from '#kube/api/load-balancer/resources.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import { cloneJson, jsonEqual } from '#lib/json.ts';
import { ensure } from './builtin-objects.ts';

const CRDS = builtin('CustomResourceDefinition');
const OWN_GROUP = 'evenkeel.dev';
/** A definition is served within moments. */
const ATTEMPTS = 50;
const PAUSE_MS = 20;

/**
 * Ours is always that of this version; of another project's group, what a user has brought stays. What is there already
 * is not written again: every write is checked, which for definitions takes longer than all else of a start.
 */
export async function ensureDefinition(client: Client, definition: Definition): Promise<void> {
  const name = definition.metadata?.name ?? '';
  const found = await client.get<Definition>(CRDS, name).catch((error: unknown) => {
    if (isStatus(error, 404)) return undefined;
    throw error;
  });
  if (found === undefined && (await ensure(client, CRDS, definition))) return;
  if (definition.spec.group !== OWN_GROUP) return;
  if (found !== undefined && isStored(definition, found)) return;
  await client.patch(CRDS, name, undefined, 'merge', { spec: definition.spec });
}

/** Whether what is stored is what a server makes of `definition`. */
function isStored(definition: Definition, { spec }: Definition): boolean {
  const wanted = cloneJson(definition);
  applyDefaults(wanted);
  return jsonEqual(spec, wanted.spec);
}

/**
 * Another project's, whose own release users apply over ours: they are theirs from the start, as if kubectl had applied
 * them, so that `kubectl apply --server-side` meets no conflict. What is there already stays.
 */
export async function ensureTheirDefinition(client: Client, definition: Definition): Promise<void> {
  const name = definition.metadata?.name ?? '';
  try {
    await client.get(CRDS, name);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    await client.patch(CRDS, name, undefined, 'apply', definition, { fieldManager: 'kubectl' });
  }
}

/** Waits until the resource is served. Leaves an object of that name as it is; false when there is one. */
export async function ensureServed(
  client: Client,
  ref: ResourceRef,
  object: KubeObject,
  clock: Clock,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ensure(client, ref, object);
    } catch (error) {
      if (!isStatus(error, 404) || attempt === ATTEMPTS) throw error;
      await delay(clock, PAUSE_MS);
    }
  }
}
