// Which nodes lack their pod, and which pods are too many, finished or in the wrong place.
// Pure. Upstream: podsShouldBeOnNode in pkg/controller/daemon/daemon_controller.go.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { isPodFinished } from '../common/pods.ts';
import type { NodeEntry } from './status.ts';

export interface Changes {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Finished pods, which make room for a successor on their node. */
  readonly finished: ReadonlyArray<{ readonly node: string; readonly pod: Pod }>;
}

/** With `surge` a node may have an old and a new pod, as long as the update has not put the new one in place. */
export function manage(entries: readonly NodeEntry[], isFresh: (pod: Pod) => boolean, surge: boolean): Changes {
  const create: string[] = [];
  const remove: Pod[] = [];
  const finished: { node: string; pod: Pod }[] = [];
  for (const { node, run, stay, pods } of entries) {
    const present = pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
    if (!stay) remove.push(...present);
    else if (pods.length === 0) {
      if (run) create.push(node);
    } else {
      for (const pod of present) if (isPodFinished(pod)) finished.push({ node, pod });
      const running = present.filter((pod) => !isPodFinished(pod));
      remove.push(
        ...(surge
          ? [...beyondFirst(running.filter(isFresh)), ...beyondFirst(running.filter((pod) => !isFresh(pod)))]
          : beyondFirst(running)),
      );
    }
  }
  return { create, remove, finished };
}

/** Pods come oldest first, and the oldest stays. */
function beyondFirst(pods: readonly Pod[]): Pod[] {
  return pods.slice(1);
}
