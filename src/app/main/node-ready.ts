// Waits until a node says that it is ready.
// Knows conditions; not how a node comes to be.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informers } from '#kube/client/informer.ts';

type NodeObject = Node & KubeObject;

/**
 * Says so since `since` (milliseconds since the epoch): what it said in an earlier run may be all that is known of it.
 * Throws the signal's reason when that is aborted first.
 */
export async function nodeReady(
  informers: Informers,
  name: string,
  since: number,
  signal?: AbortSignal,
): Promise<void> {
  const nodes = informers.of<NodeObject>(builtin('Node'));
  // Times in statuses are whole seconds.
  const second = Math.floor(since / 1000) * 1000;
  const ready = (node: NodeObject | undefined): boolean =>
    node?.status?.conditions?.some(
      ({ type, status, lastHeartbeatTime = '' }) =>
        type === 'Ready' && status === 'True' && Date.parse(lastHeartbeatTime) >= second,
    ) === true;
  const found = Promise.withResolvers<void>();
  // What is there already is told at once, so there is nothing to look up first.
  const stop = nodes.onChange((key, node) => {
    if (key === name && ready(node)) found.resolve();
  });
  const onAbort = (): void => found.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  try {
    await found.promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stop();
  }
}
