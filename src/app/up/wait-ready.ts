// Waits for workloads of every kind until each has what it asks for, has failed, or the time is over; says what holds it up.
// Knows the rules by their door, and events for the last words; what a kind asks for is readiness.ts.
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import { Failure } from '../failure.ts';
import { podTrouble, podUnready } from './pod-trouble.ts';
import type { Task } from './progress.ts';
import { podReadiness, type Readiness, readinessRules, type Workload } from './readiness.ts';

type PodObject = Pod & KubeObject;

export interface WaitOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  /** Longest wait for each, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Containers that started before this moment (milliseconds since the epoch) ended with an earlier run: what is said
   * about them no longer holds.
   */
  readonly since: number;
  /** Gives it up, without a failure. */
  readonly signal: AbortSignal;
  /** Every failure, also those that the first one hides. */
  readonly onFailure: (failure: Failure) => void;
}

interface Seen {
  readonly readiness: Readiness;
  readonly pods: readonly PodObject[];
}

/** One task a workload; its text when done is e.g. `2/2 ready`. Rejects with a `Failure` that names object, pod and reason. */
export function readyTasks(workloads: readonly KubeObject[], options: WaitOptions): Task[] {
  return workloads.map((applied) => {
    const kind = applied.kind ?? '';
    const key = objectKey(applied);
    return {
      title: `${kind.toLowerCase()} ${key}`,
      run: async (update) => {
        try {
          return await follow(applied, kind, key, options, update);
        } catch (error) {
          if (error instanceof Failure) options.onFailure(error);
          throw error;
        }
      },
    };
  });
}

async function follow(
  applied: KubeObject,
  kind: string,
  key: string,
  options: WaitOptions,
  update: (text: string) => void,
): Promise<string> {
  const { informers, clock, timeoutMs, since, signal } = options;
  const rule = readinessRules[kind];
  if (rule === undefined) throw new Error(`Nothing is known of when "${kind}" is ready`);
  const live = informers.of<Workload>(builtin(kind));
  const pods = informers.of<PodObject>(builtin('Pod'));
  const minimum = applied.metadata?.generation ?? 0;
  const settle = Promise.withResolvers<string | { why: string }>();
  let last: Seen | undefined;
  const check = (): void => {
    const now = live.get(key);
    if (now === undefined) {
      if (last !== undefined) settle.resolve({ why: 'was deleted before it was ready' });
      return;
    }
    if ((now.metadata?.generation ?? 0) < minimum) return;
    const own = podsOf(now, kind, pods.list(now.metadata?.namespace));
    const readiness = rule(now);
    last = { readiness, pods: own };
    // What has ended for good has no containers that could be of an earlier run.
    const stale = kind !== 'Job' && own.some((pod) => startedBefore(pod, since));
    if (readiness.done && !stale) settle.resolve(readiness.text);
    else if (readiness.failed !== undefined) settle.resolve({ why: `failed: ${readiness.failed}` });
    else update(stale ? 'waiting for its pods to start again' : `${readiness.text}${briefly(own)}`);
  };
  const stops = [
    live.onChange((changed) => changed === key && check()),
    ...(kind === 'Pod' ? [] : [pods.onChange(check)]),
    clock.after(timeoutMs, () =>
      settle.resolve({
        why: `is not ready after ${timeoutMs / 1000} s: ${last?.readiness.text ?? 'nobody has seen it'}`,
      }),
    ),
  ];
  const onAbort = (): void => settle.resolve('');
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const outcome = await settle.promise;
    if (typeof outcome === 'string') return outcome;
    throw await failureOf(applied, kind, outcome.why, last?.pods ?? [], options);
  } finally {
    for (const stop of stops) stop();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Told once, so it may ask the API for what happened last. */
async function failureOf(
  applied: KubeObject,
  kind: string,
  why: string,
  pods: readonly PodObject[],
  { client }: WaitOptions,
): Promise<Failure> {
  const { name = '', namespace } = applied.metadata ?? {};
  const kubectl = `kubectl${namespace === undefined ? '' : ` -n ${namespace}`}`;
  const what = `${kind} "${objectKey(applied)}" ${why}`;
  const bad =
    pods.find((pod) => podTrouble(pod) !== undefined) ?? pods.find((pod) => !podReadiness(pod).done) ?? pods[0];
  if (bad === undefined) {
    const event = await lastWarning(client, kind, name, namespace);
    return new Failure(
      `${what}; it has no pod${event === undefined ? '' : `: ${event}`}`,
      `See "${kubectl} describe ${kind.toLowerCase()} ${name}"`,
    );
  }
  const pod = bad.metadata?.name ?? '';
  const trouble = podTrouble(bad) ?? podReason(bad, await lastWarning(client, 'Pod', pod, namespace));
  const where = kind === 'Pod' ? '' : `pod "${pod}": `;
  return new Failure(
    `${what}; ${where}${trouble}`,
    `See "${kubectl} describe pod ${pod}" and "${kubectl} logs ${pod}"`,
  );
}

function podReason(pod: PodObject, event: string | undefined): string {
  return event === undefined ? podUnready(pod) : `${podUnready(pod)}: ${event}`;
}

/** Of an object; a failing probe, say, is told nowhere else. `undefined` where there is none, or nobody answers. */
async function lastWarning(
  client: Client,
  kind: string,
  name: string,
  namespace: string | undefined,
): Promise<string | undefined> {
  try {
    const { items } = await client.list<Event & KubeObject>(builtin('Event'), {
      ...(namespace === undefined ? {} : { namespace }),
      fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name},type=Warning`,
    });
    const at = ({ lastTimestamp, eventTime, metadata }: Event): string =>
      lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
    const event = items.toSorted((a, b) => (at(a) < at(b) ? 1 : -1))[0];
    return event === undefined ? undefined : `${event.reason}: ${event.message?.trim().replaceAll(/\s+/g, ' ')}`;
  } catch {
    // The failure itself is what must be told.
    return undefined;
  }
}

function podsOf(workload: Workload, kind: string, pods: readonly PodObject[]): PodObject[] {
  if (kind === 'Pod') return [workload as PodObject];
  const selector = workload.spec?.selector;
  return pods.filter((pod) => labelSelectorMatches(selector, pod.metadata?.labels));
}

/** Times in statuses are whole seconds. */
function startedBefore(pod: PodObject, since: number): boolean {
  const second = Math.floor(since / 1000) * 1000;
  return (pod.status?.containerStatuses ?? []).some(
    ({ state }) => state?.running !== undefined && Date.parse(state.running.startedAt ?? '') < second,
  );
}

/** What holds it up, when a pod says so. */
function briefly(pods: readonly PodObject[]): string {
  for (const pod of pods) {
    const trouble = podTrouble(pod);
    if (trouble !== undefined) return ` (${pod.metadata?.name} ${trouble})`;
  }
  return '';
}
