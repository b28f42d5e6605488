// Garbage collector: deletes what has lost its owners, and carries out foreground deletion and orphaning.
// Upstream: pkg/controller/garbagecollector. Knows no kind by name but CustomResourceDefinition.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { KubeObject, OwnerReference } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { DeleteOptions } from '#kube/client/client.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Controller, ControllerContext, ControllerParts } from '../controller.ts';
import { describe, type Item, OwnerGraph } from './graph.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

export const garbageCollector: Controller = {
  name: 'garbage-collector',
  component: 'garbage-collector-controller',
  setup: (context) => new GarbageCollector(context).parts(),
};

class GarbageCollector {
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** The keys of the queue are uids. */
  parts(): ControllerParts {
    const { clock, log, informers } = this.#context;
    const queue = createWorkQueue('garbage-collector', (uid) => this.#reconcile(graph, uid), {
      clock,
      log,
      workers: 4,
    });
    const graph: OwnerGraph = new OwnerGraph(informers, (_ref, now, before) => {
      const uid = (now ?? before)?.metadata?.uid;
      if (uid === undefined) return;
      if (now !== undefined && needsLook(now)) queue.add(uid);
      // Owners of what has gone or was let go may be waiting for just that.
      const kept = now?.metadata?.ownerReferences ?? [];
      for (const owner of before?.metadata?.ownerReferences ?? []) {
        if (kept.some((other) => other.uid === owner.uid)) continue;
        const item = graph.get(owner.uid);
        if (item !== undefined && isWaiting(item.object)) queue.add(owner.uid);
      }
      const going = now === undefined || (isWaiting(now) && (before === undefined || !isWaiting(before)));
      const replaced =
        before?.metadata?.uid !== undefined && before.metadata.uid !== uid ? before.metadata.uid : undefined;
      for (const owner of [going ? uid : undefined, replaced]) {
        if (owner === undefined) continue;
        for (const { object } of graph.dependents(owner)) queue.add(object.metadata?.uid ?? '');
      }
    });
    const definitions = informers.of<CustomResourceDefinition>(builtin('CustomResourceDefinition'));
    definitions.onChange((_key, now) => {
      if (now !== undefined) graph.watchCustom(now);
    });
    return { queues: [queue], reads: [...graph.reads, definitions] };
  }

  async #reconcile(graph: OwnerGraph, uid: string): Promise<void> {
    const item = graph.get(uid);
    if (item === undefined) return;
    const { metadata } = item.object;
    if (metadata?.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes(ORPHAN)) await this.#orphanDependents(graph, item);
      else if (metadata.finalizers?.includes(FOREGROUND)) await this.#finishForeground(graph, item);
      return;
    }
    await this.#deleteIfOwnerless(graph, item);
  }

  async #deleteIfOwnerless(graph: OwnerGraph, item: Item): Promise<void> {
    const owners = item.object.metadata?.ownerReferences ?? [];
    if (owners.length === 0) return;
    const solid: OwnerReference[] = [];
    const waiting: OwnerReference[] = [];
    for (const owner of owners) {
      const found = await this.#find(graph, item, owner);
      if (found === undefined) continue;
      (isWaiting(found) ? waiting : solid).push(owner);
    }
    if (solid.length === owners.length) return;
    if (solid.length > 0) {
      // Another owner keeps it; the references to those that go would only hold them up.
      await this.#keepOwners(item, solid);
      return;
    }
    const hasDependents = graph.dependents(item.object.metadata?.uid ?? '').length > 0;
    const finalizers = item.object.metadata?.finalizers ?? [];
    if (finalizers.includes(ORPHAN)) await this.#delete(item, 'Orphan');
    else if (finalizers.includes(FOREGROUND) || (waiting.length > 0 && hasDependents))
      await this.#delete(item, 'Foreground');
    else await this.#delete(item, 'Background');
  }

  /** The owner as the informer shows it, else as the server has it; undefined when it is not there. */
  async #find(graph: OwnerGraph, item: Item, owner: OwnerReference): Promise<KubeObject | undefined> {
    const known = graph.get(owner.uid);
    if (known !== undefined) return known.object;
    const ref = graph.resourceOf(owner.apiVersion, owner.kind);
    if (ref === undefined) {
      // An owner of an unknown kind may well exist; deleting on a guess could not be undone.
      this.#context.log.debug({ object: describe(item), owner: owner.kind }, 'Owner is of a kind that is not watched');
      return { metadata: { uid: owner.uid } };
    }
    const namespace = ref.namespaced ? item.object.metadata?.namespace : undefined;
    if (ref.namespaced && namespace === undefined) return undefined;
    try {
      const live = await this.#context.client.get<KubeObject>(ref, owner.name, namespace);
      return live.metadata?.uid === owner.uid ? live : undefined;
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #delete({ ref, object }: Item, propagationPolicy: DeleteOptions['propagationPolicy']): Promise<void> {
    const { name = '', namespace, uid, resourceVersion } = object.metadata ?? {};
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      // What was decided from this version must not hit one that has found an owner meanwhile.
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    this.#context.log.debug(
      { object: describe({ ref, object }), propagationPolicy },
      'Deleting what has no owner left',
    );
    try {
      await this.#context.client.delete(ref, name, namespace, { propagationPolicy, preconditions });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }

  async #keepOwners({ ref, object }: Item, owners: readonly OwnerReference[]): Promise<void> {
    await this.#patch(ref, object, { ownerReferences: owners });
  }

  /** Foreground: the owner goes once nothing is left that asked to block its deletion. */
  async #finishForeground(graph: OwnerGraph, item: Item): Promise<void> {
    const uid = item.object.metadata?.uid ?? '';
    const dependents = graph.dependents(uid);
    const blocking = dependents.filter(({ object }) =>
      object.metadata?.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
    for (const dependent of dependents) {
      if (dependent.object.metadata?.deletionTimestamp === undefined) await this.#deleteIfOwnerless(graph, dependent);
    }
    if (blocking.length === 0) await this.#dropFinalizer(item, FOREGROUND);
  }

  async #orphanDependents(graph: OwnerGraph, item: Item): Promise<void> {
    const uid = item.object.metadata?.uid ?? '';
    for (const { ref, object } of graph.dependents(uid)) {
      const others = (object.metadata?.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      await this.#patch(ref, object, { ownerReferences: orNull(others) });
    }
    await this.#dropFinalizer(item, ORPHAN);
  }

  async #dropFinalizer({ ref, object }: Item, finalizer: string): Promise<void> {
    const finalizers = (object.metadata?.finalizers ?? []).filter((other) => other !== finalizer);
    await this.#patch(ref, object, { finalizers: orNull(finalizers) });
  }

  async #patch(ref: Item['ref'], object: KubeObject, change: object): Promise<void> {
    const { name = '', namespace, uid, resourceVersion } = object.metadata ?? {};
    try {
      await this.#context.client.patch(ref, name, namespace, 'merge', {
        metadata: { uid, resourceVersion, ...change },
      });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}

/** An empty list in a merge patch would stay behind as one; null takes the field away. */
function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

/** In foreground deletion: its dependents go first. */
function isWaiting(object: KubeObject): boolean {
  const { deletionTimestamp, finalizers } = object.metadata ?? {};
  return deletionTimestamp !== undefined && finalizers?.includes(FOREGROUND) === true;
}

function needsLook(object: KubeObject): boolean {
  const { deletionTimestamp, finalizers = [], ownerReferences = [] } = object.metadata ?? {};
  if (deletionTimestamp !== undefined) return finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN);
  return ownerReferences.length > 0;
}
