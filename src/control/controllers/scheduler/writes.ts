// What the scheduler writes about a pod: its binding, why it waits, and the eviction of others for it.
// Decides nothing. Upstream's words.
import type { Binding, Pod, PodCondition } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import { patchPodStatus } from '../common/pod-writes.ts';
import { podCondition } from '../common/pods.ts';
import type { ControllerContext } from '../controller.ts';
import { PREEMPTED } from './preemption/index.ts';

const PODS = builtin('Pod');

type Context = Pick<ControllerContext, 'client' | 'clock' | 'events'>;

/** Rejects as the client does. */
export async function bindPod({ client, events }: Context, pod: Pod, nodeName: string): Promise<void> {
  const { name = '', namespace, uid } = pod.metadata ?? {};
  const binding: Binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, uid },
    target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
  };
  await client.create(PODS, binding, { subresource: 'binding' });
  events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`);
}

export interface Waiting {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** Node on which room is being made; null takes such a promise back. */
  readonly nominated?: string | null;
}

/** Event, condition and nominated node; a pod that is gone meanwhile is no failure. */
export async function tellWaiting(context: Context, pod: Pod, { reason, message, nominated }: Waiting): Promise<void> {
  const { clock, events } = context;
  events.event(pod, 'Warning', 'FailedScheduling', message);
  const current = podCondition(pod, 'PodScheduled');
  const told = current?.status === 'False' && current.reason === reason && current.message === message;
  const promised = nominated === undefined || (nominated ?? '') === (pod.status?.nominatedNodeName ?? '');
  if (told && promised) return;
  const now = timestamp(clock.wall());
  const since = current?.status === 'False' ? (current.lastTransitionTime ?? now) : now;
  const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime: since };
  await patchPodStatus(context.client, pod, {
    ...(told ? {} : { conditions: [condition] }),
    ...(promised ? {} : { nominatedNodeName: nominated }),
  });
}

/** Takes back the promise of a node, as somebody more important has come. */
export function clearNomination(context: Context, pod: Pod): Promise<void> {
  return patchPodStatus(context.client, pod, { nominatedNodeName: null });
}

/** Marks the victim, so that its end is told apart from a failure, and deletes it with its own grace. */
export async function evictFor(context: Context, preemptor: Pod, victim: Pod, nodeName: string): Promise<void> {
  const { client, clock, events } = context;
  const { name = '', namespace, uid = '', deletionTimestamp } = victim.metadata ?? {};
  if (deletionTimestamp === undefined) {
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: PREEMPTED,
      message: `${preemptor.spec?.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: timestamp(clock.wall()),
    };
    await patchPodStatus(context.client, victim, { conditions: [condition] });
    try {
      await client.delete(PODS, name, namespace, { preconditions: { uid } });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }
  const by = preemptor.metadata?.uid ?? '';
  events.event(victim, 'Normal', 'Preempted', `Preempted by pod ${by} on node ${nodeName}`);
}
