// The one-word status of a pod and its restart count, as `kubectl get pods` shows them.
// Knows no column. Upstream source: printPod in pkg/printers/internalversion/printers.go.
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import { humanDuration } from './duration.ts';

export interface PodSummary {
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating`, `Completed` ... */
  status: string;
  ready: number;
  total: number;
  /** `0`, or `3 (5m ago)` with the time of the last one. */
  restarts: string;
}

interface Restarts {
  count: number;
  last: number;
}

/** `now` in ms since the epoch. */
export function summarizePod(pod: Pod, now: number): PodSummary {
  const statuses = pod.status?.containerStatuses ?? [];
  const initial = pod.status?.reason !== undefined && pod.status.reason !== '' ? pod.status.reason : undefined;
  const phase = pod.status?.phase ?? '';
  let status = initial ?? phase;
  const gated = pod.status?.conditions?.some(
    ({ type, status: value, reason }) => type === 'PodScheduled' && value !== 'True' && reason === 'SchedulingGated',
  );
  if (gated === true) status = 'SchedulingGated';

  const sidecars = new Set(
    (pod.spec?.initContainers ?? [])
      .filter((container) => restartPolicyOf(container) === 'Always')
      .map(({ name }) => name),
  );
  const total = (pod.spec?.containers?.length ?? 0) + sidecars.size;
  const init = initStatus(pod, sidecars);
  let ready = init.readySidecars;
  let restarts = init.restarts;

  if (init.status !== undefined && !isInitialized(pod)) {
    status = init.status;
  } else {
    restarts = init.sidecarRestarts;
    let hasRunning = false;
    for (const container of [...statuses].reverse()) {
      count(restarts, container);
      const waiting = container.state?.waiting;
      const terminated = container.state?.terminated;
      if (waiting?.reason !== undefined && waiting.reason !== '') status = waiting.reason;
      else if (terminated !== undefined && terminated !== null) status = terminatedText(terminated);
      else if (container.ready && container.state?.running !== undefined) {
        hasRunning = true;
        ready++;
      }
    }
    // A pod that completed one container while another runs on is not "Completed".
    if (status === 'Completed' && hasRunning) status = isReady(pod) ? 'Running' : 'NotReady';
  }

  const { deletionTimestamp } = pod.metadata ?? {};
  if (deletionTimestamp !== undefined && deletionTimestamp !== null) {
    if (pod.status?.reason === 'NodeLost') status = 'Unknown';
    else if (phase !== 'Succeeded' && phase !== 'Failed') status = 'Terminating';
  }
  const ago = restarts.count > 0 && restarts.last > 0 ? ` (${humanDuration(now - restarts.last)} ago)` : '';
  return { status, ready, total, restarts: `${restarts.count}${ago}` };
}

interface InitSummary {
  status: string | undefined;
  readySidecars: number;
  restarts: Restarts;
  sidecarRestarts: Restarts;
}

function initStatus(pod: Pod, sidecars: ReadonlySet<string>): InitSummary {
  const out: InitSummary = {
    status: undefined,
    readySidecars: 0,
    restarts: { count: 0, last: 0 },
    sidecarRestarts: { count: 0, last: 0 },
  };
  const total = pod.spec?.initContainers?.length ?? 0;
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    count(out.restarts, container);
    const sidecar = sidecars.has(container.name);
    if (sidecar) count(out.sidecarRestarts, container);
    const { waiting, terminated, running } = container.state ?? {};
    if (terminated !== undefined && terminated !== null && terminated.exitCode === 0) continue;
    if (sidecar && (container as { started?: boolean }).started === true) {
      if (container.ready && running !== undefined) out.readySidecars++;
      continue;
    }
    if (terminated !== undefined && terminated !== null) {
      out.status = `Init:${terminatedText(terminated)}`;
    } else if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing') {
      out.status = `Init:${waiting.reason}`;
    } else {
      out.status = `Init:${index}/${total}`;
    }
    break;
  }
  return out;
}

function terminatedText(terminated: { reason?: string; signal?: number; exitCode: number }): string {
  if (terminated.reason !== undefined && terminated.reason !== '') return terminated.reason;
  if (terminated.signal !== undefined && terminated.signal !== 0) return `Signal:${terminated.signal}`;
  return `ExitCode:${terminated.exitCode}`;
}

function count(restarts: Restarts, container: ContainerStatus): void {
  restarts.count += container.restartCount;
  const finished = container.lastState?.terminated?.finishedAt as unknown as string | undefined;
  if (finished !== undefined && finished !== null) restarts.last = Math.max(restarts.last, Date.parse(finished));
}

function restartPolicyOf(container: object): string | undefined {
  return (container as { restartPolicy?: string }).restartPolicy;
}

const hasCondition = (pod: Pod, type: string): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

const isReady = (pod: Pod): boolean => hasCondition(pod, 'Ready');
const isInitialized = (pod: Pod): boolean => hasCondition(pod, 'Initialized');
