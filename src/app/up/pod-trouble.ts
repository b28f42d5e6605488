// What keeps a pod from being ready, in a few words: where it waits, how its containers ended.
// Pure; knows a pod's status only.
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';

type PodObject = Pod & KubeObject;

/** Every start goes through these. */
const ON_ITS_WAY = ['ContainerCreating', 'PodInitializing'];

/** `undefined` while nothing speaks against it. */
export function podTrouble(pod: PodObject): string | undefined {
  const { status } = pod;
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled !== undefined) return words(unscheduled.reason, unscheduled.message);
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const trouble = containerTrouble(container);
    if (trouble !== undefined) return `container "${container.name}": ${trouble}`;
  }
  return status?.phase === 'Failed' && status.reason !== undefined ? words(status.reason, status.message) : undefined;
}

/** What can be said of one that has just not become ready so far. */
export function podUnready({ status }: PodObject): string {
  const waiting = status?.containerStatuses?.find(({ ready }) => !ready);
  if (waiting === undefined) return `phase ${status?.phase ?? 'Pending'}`;
  const { state } = waiting;
  return `container "${waiting.name}": ${state?.running === undefined ? (state?.waiting?.reason ?? 'not started') : 'it runs, and is not ready'}`;
}

function containerTrouble({ state, lastState }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  const ended = terminated ?? lastState?.terminated;
  const how =
    ended === undefined || ended.exitCode === 0
      ? undefined
      : words(
          `${ended.reason ?? 'Error'}, ${ended.signal === undefined || ended.signal === 0 ? `exit code ${ended.exitCode}` : `signal ${ended.signal}`}`,
          ended.message?.trim(),
        );
  if (waiting?.reason !== undefined && !ON_ITS_WAY.includes(waiting.reason)) {
    const why = words(waiting.reason, waiting.message);
    return how === undefined ? why : `${why} (${how})`;
  }
  return terminated === undefined ? undefined : how;
}

function words(reason: string | undefined, message: string | undefined): string {
  return [reason, message].filter((text) => text !== undefined && text !== '').join(': ');
}
