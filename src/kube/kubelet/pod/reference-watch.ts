// Tells of changes of the ConfigMaps and Secrets that the pods of this node refer to: a watch for each, as a node may have.
// Knows references and the API; what a change means for a pod is the manager's matter.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informer } from '#kube/client/informer.ts';
import { runReflector } from '#kube/client/reflector.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { references } from './references.ts';

interface Dependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changed: (kind: 'ConfigMap' | 'Secret', object: KubeObject) => void;
}

/** `pods` are those of this node. Returns the way to stop. */
export function watchReferences(pods: Informer<Pod>, dependencies: Dependencies): () => void {
  /** Reference -> the pods that have it, and the end of its watch. */
  const watched = new Map<string, { readonly pods: Set<string>; readonly end: AbortController }>();
  const stop = pods.onChange((key, now) => {
    const wanted = now === undefined ? new Set<string>() : references(now);
    for (const [reference, { pods: users, end }] of watched) {
      if (wanted.has(reference) || !users.delete(key) || users.size > 0) continue;
      end.abort();
      watched.delete(reference);
    }
    for (const reference of wanted) {
      const known = watched.get(reference);
      if (known !== undefined) known.pods.add(key);
      else {
        const end = new AbortController();
        watched.set(reference, { pods: new Set([key]), end });
        void watch(reference, dependencies, end.signal);
      }
    }
  });
  return () => {
    stop();
    for (const { end } of watched.values()) end.abort();
  };
}

function watch(reference: string, { client, clock, log, changed }: Dependencies, signal: AbortSignal): Promise<void> {
  const [kind = '', namespace = '', name = ''] = reference.split('/');
  const which = kind === 'Secret' ? 'Secret' : 'ConfigMap';
  let version: string | undefined;
  const tell = (object: KubeObject): void => {
    if (objectKey(object) !== `${namespace}/${name}` || object.metadata?.resourceVersion === version) return;
    version = object.metadata?.resourceVersion;
    changed(which, object);
  };
  return runReflector<KubeObject>({
    client,
    ref: builtin(which),
    scope: { namespace, fieldSelector: `metadata.name=${name}` },
    sink: {
      replace: (objects) => objects.forEach(tell),
      upsert: tell,
      remove: (object) => changed(which, object),
    },
    clock,
    log,
    signal,
  });
}
