// Follows Deployments, StatefulSets and DaemonSets until each has what it wants, and says how far it is and what holds it up.
// Knows statuses as `kubectl rollout status` reads them.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informers } from '#kube/client/informer.ts';
import { Failure } from '../failure.ts';
import type { Task } from './progress.ts';
import { rolloutStates, type Workload } from './rollout-state.ts';

type PodObject = Pod & KubeObject;

/**
 * One task a workload: `2/2 ready` when done; a Deployment fails once its progress deadline has passed. Containers that started
 * before `since` (milliseconds since the epoch) ended with an earlier run: what is said about them no longer holds.
 */
export function rolloutTasks(
  workloads: readonly KubeObject[],
  informers: Informers,
  since: number,
  signal: AbortSignal,
): Task[] {
  const pods = informers.of<PodObject>(builtin('Pod'));
  return workloads.map((applied) => {
    const kind = applied.kind ?? 'Deployment';
    const stateOf = rolloutStates[kind];
    if (stateOf === undefined) throw new Error(`Nothing is known of rollouts of "${kind}"`);
    const live = informers.of<Workload>(builtin(kind));
    const key = objectKey(applied);
    const minimum = applied.metadata?.generation ?? 1;
    return {
      title: `${kind.toLowerCase()} ${key}`,
      run: (update) =>
        follow(signal, (settle) => {
          const check = (): void => {
            const now = live.get(key);
            if (now === undefined || (now.metadata?.generation ?? 0) < minimum) return;
            const own = podsOf(now, pods.list(now.metadata?.namespace));
            const stale = own.some((pod) => startedBefore(pod, since));
            const state = stateOf(now);
            const text = stale ? 'waiting for its pods to start again' : `${state.text}${trouble(own)}`;
            if (state.done && !stale) settle.resolve(state.text);
            else if (state.failed) settle.reject(stuck(kind, key, text));
            else update(text);
          };
          return [live.onChange((changed) => changed === key && check()), pods.onChange(check)];
        }),
    };
  });
}

/** Waits for the outcome, or for the signal, and unsubscribes in either case. */
async function follow(
  signal: AbortSignal,
  subscribe: (settle: PromiseWithResolvers<string>) => Array<() => void>,
): Promise<string> {
  const settle = Promise.withResolvers<string>();
  const onAbort = (): void => settle.resolve('');
  signal.addEventListener('abort', onAbort);
  const unsubscribe = subscribe(settle);
  try {
    return await settle.promise;
  } finally {
    for (const stop of unsubscribe) stop();
    signal.removeEventListener('abort', onAbort);
  }
}

function stuck(kind: string, key: string, state: string): Failure {
  return new Failure(
    `${kind} "${key}" is stuck: ${state}`,
    `See "kubectl describe ${kind.toLowerCase()}", and the logs of its pods`,
  );
}

function podsOf(workload: Workload, pods: readonly PodObject[]): PodObject[] {
  const labels = Object.entries(workload.spec?.selector.matchLabels ?? {});
  return pods.filter((pod) => labels.every(([name, value]) => pod.metadata?.labels?.[name] === value));
}

/** Times in statuses are whole seconds. */
function startedBefore(pod: PodObject, since: number): boolean {
  const second = Math.floor(since / 1000) * 1000;
  return (pod.status?.containerStatuses ?? []).some(
    ({ state }) => state?.running !== undefined && Date.parse(state.running.startedAt ?? '') < second,
  );
}

/** Why a container of the workload does not run, when one says so. */
function trouble(pods: readonly PodObject[]): string {
  for (const pod of pods) {
    for (const { state, name } of pod.status?.containerStatuses ?? []) {
      const { reason, message } = state?.waiting ?? {};
      if (reason === undefined || reason === 'ContainerCreating' || reason === 'PodInitializing') continue;
      return ` (${pod.metadata?.name} container "${name}": ${reason}${message === undefined ? '' : `: ${message}`})`;
    }
  }
  return '';
}
