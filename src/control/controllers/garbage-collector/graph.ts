// Who owns whom, across every resource that is watched: read from the informers' indexes, never kept twice.
// Decides nothing about deletion.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtinResources } from '#kube/api/resources.ts';
import type { ResourceRef } from '#kube/client/client.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';

const BY_OWNER = 'owner-uid';

/** Objects of these kinds come in numbers and neither own nor are owned; watching them would only cost. */
const LEFT_OUT = new Set(['events', 'leases', 'limitranges', 'resourcequotas', 'storageclasses', 'priorityclasses']);

export interface Item {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
}

type Listener = (ref: ResourceRef, now: KubeObject | undefined, before: KubeObject | undefined) => void;

export class OwnerGraph {
  readonly #informers: Informers;
  readonly #listener: Listener;
  readonly #watched = new Map<string, { ref: ResourceRef; informer: Informer<KubeObject> }>();
  readonly #byUid = new Map<string, { ref: ResourceRef; key: string }>();

  constructor(informers: Informers, listener: Listener) {
    this.#informers = informers;
    this.#listener = listener;
    for (const definition of builtinResources) {
      const { verbs, resource, group } = definition;
      const collected = verbs.includes('watch') && verbs.includes('delete') && group !== 'rbac.authorization.k8s.io';
      if (collected && !LEFT_OUT.has(resource)) this.watch(definition);
    }
  }

  get reads(): readonly Informer<KubeObject>[] {
    return [...this.#watched.values()].map(({ informer }) => informer);
  }

  /** Takes another resource in; harmless when it is known. */
  watch(ref: ResourceRef): void {
    const id = `${ref.group}/${ref.resource}`;
    if (this.#watched.has(id)) return;
    const informer = this.#informers.of<KubeObject>(ref);
    this.#watched.set(id, { ref, informer });
    informer.addIndex(BY_OWNER, ownerUids);
    informer.onChange((key, now, before) => {
      // The entry goes only when it is this object's: another one may have taken the name, or come first.
      if (now === undefined && before?.metadata?.uid !== undefined) this.#byUid.delete(before.metadata.uid);
      if (now?.metadata?.uid !== undefined) this.#byUid.set(now.metadata.uid, { ref, key });
      this.#listener(ref, now, before);
    });
  }

  /** Takes in the resources that a definition serves. */
  watchCustom({ spec, status }: CustomResourceDefinition): void {
    const established = status?.conditions?.some(
      ({ type, status: value }) => type === 'Established' && value === 'True',
    );
    const version = spec.versions.find((candidate) => candidate.storage) ?? spec.versions[0];
    if (established !== true || version === undefined) return;
    const { plural: resource, kind } = spec.names;
    this.watch({ group: spec.group, version: version.name, resource, kind, namespaced: spec.scope === 'Namespaced' });
  }

  /** The resource of an owner reference; undefined when it is not watched. */
  resourceOf(apiVersion: string, kind: string): ResourceRef | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    for (const { ref } of this.#watched.values()) if (ref.group === group && ref.kind === kind) return ref;
    return undefined;
  }

  get(uid: string): Item | undefined {
    const found = this.#byUid.get(uid);
    if (found === undefined) return undefined;
    const object = this.#watched.get(`${found.ref.group}/${found.ref.resource}`)?.informer.get(found.key);
    return object?.metadata?.uid === uid ? { ref: found.ref, object } : undefined;
  }

  dependents(uid: string): Item[] {
    const items: Item[] = [];
    for (const { ref, informer } of this.#watched.values()) {
      for (const object of informer.byIndex(BY_OWNER, uid)) items.push({ ref, object });
    }
    return items;
  }
}

function ownerUids(object: KubeObject): readonly string[] {
  return (object.metadata?.ownerReferences ?? []).map((owner) => owner.uid);
}

/** For messages: `Pod "shop/web-1"`. */
export function describe({ ref, object }: Item): string {
  return `${ref.kind} "${objectKey(object)}"`;
}
