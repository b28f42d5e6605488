// Follows Deployments until each has what it wants, and says how far it is and what holds it up.
// Knows statuses as `kubectl rollout status` reads them.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informers } from '#kube/client/informer.ts';
import { Failure } from '../failure.ts';
import type { Task } from './progress.ts';

type DeploymentObject = Deployment & KubeObject;
type PodObject = Pod & KubeObject;

/**
 * One task a Deployment: `2/2 ready` when done; fails once its progress deadline has passed. Containers that started
 * before `since` (milliseconds since the epoch) ended with an earlier run: what is said about them no longer holds.
 */
export function rolloutTasks(
  deployments: readonly KubeObject[],
  informers: Informers,
  since: number,
  signal: AbortSignal,
): Task[] {
  const live = informers.of<DeploymentObject>(builtin('Deployment'));
  const pods = informers.of<PodObject>(builtin('Pod'));
  return deployments.map((applied) => {
    const key = objectKey(applied);
    const minimum = applied.metadata?.generation ?? 1;
    return {
      title: `deployment ${key}`,
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
            else if (state.failed) settle.reject(stuck(key, text));
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

function stuck(key: string, state: string): Failure {
  return new Failure(
    `Deployment "${key}" is stuck: ${state}`,
    'See "kubectl describe deployment", and the logs of its pods',
  );
}

/** As kubectl's rollout status, in one line. */
export function stateOf({ metadata, spec, status = {} }: DeploymentObject): {
  text: string;
  done: boolean;
  failed: boolean;
} {
  const wanted = spec?.replicas ?? 1;
  const seen = (status.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const updated = status.updatedReplicas ?? 0;
  const ready = Math.min(status.readyReplicas ?? 0, updated);
  const done =
    seen && updated >= wanted && (status.replicas ?? 0) <= updated && (status.availableReplicas ?? 0) >= updated;
  const failed =
    seen &&
    status.conditions?.some(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded') ===
      true;
  return { text: `${seen ? ready : 0}/${wanted} ready`, done, failed };
}

function podsOf(deployment: DeploymentObject, pods: readonly PodObject[]): PodObject[] {
  const labels = Object.entries(deployment.spec?.selector.matchLabels ?? {});
  return pods.filter((pod) => labels.every(([name, value]) => pod.metadata?.labels?.[name] === value));
}

/** Times in statuses are whole seconds. */
function startedBefore(pod: PodObject, since: number): boolean {
  const second = Math.floor(since / 1000) * 1000;
  return (pod.status?.containerStatuses ?? []).some(
    ({ state }) => state?.running !== undefined && Date.parse(state.running.startedAt ?? '') < second,
  );
}

/** Why a container of the Deployment does not run, when one says so. */
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
