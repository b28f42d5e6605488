// Pod collection: removes pods that nobody can end any more, and the oldest of very many finished ones.
// Upstream: pkg/controller/podgc.
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { patchPodStatus } from '../common/pod-writes.ts';
import { isPodFinished } from '../common/pods.ts';
import type { Controller, ControllerContext } from '../controller.ts';

const PODS = builtin('Pod');
const NODES = builtin('Node');
/** As upstream's --terminated-pod-gc-threshold. */
const KEEP_FINISHED = 12_500;
const PERIOD_MS = 20_000;
/** A node that is missing is asked for again after this long before its pods are given up. */
const QUARANTINE_MS = 40_000;
const NODE_GONE = 'PodGC: node no longer exists';
const SWEEP = 'sweep';

export const podGarbageCollector: Controller = {
  name: 'pod-gc',
  component: 'pod-garbage-collector',
  setup(context) {
    const { informers, clock, log } = context;
    const pods = informers.of<Pod>(PODS);
    const nodes = informers.of<Node>(NODES);
    /** Nodes that pods name and that are missing, with the monotonic time since when. */
    const missing = new Map<string, number>();
    const sweep = async (): Promise<void> => {
      const all = pods.list();
      for (const pod of surplus(all, KEEP_FINISHED)) await remove(context, pod);
      for (const pod of all) if (isStuckUnscheduled(pod)) await remove(context, pod);
      for (const pod of all) {
        if (isOutOfService(pod, nodes.get(pod.spec?.nodeName ?? '')))
          await remove(context, await markFailed(context, pod));
      }
      for (const pod of await lost(context, all, (name) => nodes.get(name) !== undefined, missing))
        await remove(context, await markFailed(context, pod, NODE_GONE));
    };
    const queue = createWorkQueue('pod-gc', sweep, { clock, log });
    const stop = clock.every(PERIOD_MS, () => queue.add(SWEEP));
    return { queues: [queue], reads: [pods, nodes], stop };
  },
};

/** The oldest finished pods beyond `keep`. */
export function surplus(pods: readonly Pod[], keep: number): Pod[] {
  const finished = pods.filter((pod) => isPodFinished(pod) && pod.metadata?.deletionTimestamp === undefined);
  if (finished.length <= keep) return [];
  const created = (pod: Pod): string => pod.metadata?.creationTimestamp ?? '';
  return [...finished].sort((a, b) => (created(a) < created(b) ? -1 : 1)).slice(0, finished.length - keep);
}

/** Deleted before it had a node: no kubelet will ever confirm its end. */
function isStuckUnscheduled(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined && (pod.spec?.nodeName ?? '') === '';
}

/** Ending on a node that somebody has declared to be off for good. Upstream: the taint out-of-service. */
function isOutOfService(pod: Pod, node: Node | undefined): boolean {
  if (pod.metadata?.deletionTimestamp === undefined || node === undefined) return false;
  const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return !ready && node.spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') === true;
}

/** What never ended must not look as if it still ran: whoever counts failures counts this one. */
async function markFailed({ client, clock }: ControllerContext, pod: Pod, why?: string): Promise<Pod> {
  if (isPodFinished(pod)) return pod;
  const at = { lastTransitionTime: timestamp(clock.wall()) };
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: why, ...at };
  const status = { phase: 'Failed', ...(why === undefined ? {} : { conditions: [condition] }) };
  await patchPodStatus(client, pod, status);
  return pod;
}

async function lost(
  { client, clock }: ControllerContext,
  pods: readonly Pod[],
  isKnown: (node: string) => boolean,
  missing: Map<string, number>,
): Promise<Pod[]> {
  const now = clock.now();
  const absent = new Set(pods.map((pod) => pod.spec?.nodeName ?? '').filter((name) => name !== '' && !isKnown(name)));
  for (const name of [...missing.keys()]) if (!absent.has(name)) missing.delete(name);
  const gone = new Set<string>();
  for (const name of absent) {
    const since = missing.get(name);
    if (since === undefined) missing.set(name, now);
    else if (now - since >= QUARANTINE_MS && (await isGone(client, name))) gone.add(name);
  }
  return pods.filter((pod) => gone.has(pod.spec?.nodeName ?? ''));
}

/** The informer may lag; the server has the last word before pods are removed for good. */
async function isGone(client: ControllerContext['client'], name: string): Promise<boolean> {
  try {
    await client.get<Node>(NODES, name);
    return false;
  } catch (error) {
    if (isStatus(error, 404)) return true;
    throw error;
  }
}

async function remove({ client, log }: ControllerContext, pod: Pod): Promise<void> {
  const { name = '', namespace, uid } = pod.metadata ?? {};
  log.info({ pod: objectKey(pod), node: pod.spec?.nodeName }, 'Removing a pod that nobody will end');
  try {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.delete(PODS, name, namespace, { gracePeriodSeconds: 0, ...preconditions });
  } catch (error) {
    if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
  }
}
