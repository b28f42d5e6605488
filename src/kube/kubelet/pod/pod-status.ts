// The whole status of a pod as the API shows it, made from what its worker knows.
// Pure; it neither writes nor remembers.
import type { Pod, PodStatus } from 'kubernetes-types/core/v1.js';
import { podConditions } from './conditions.ts';
import { type PodPhase, podPhase } from './phase.ts';
import { qosClass } from './qos.ts';
import type { TrackedContainer } from './tracked-container.ts';

export interface StatusInput {
  readonly pod: Pod;
  readonly inits: readonly TrackedContainer[];
  readonly apps: readonly TrackedContainer[];
  /** Those that were added for debugging: they say nothing of the pod. */
  readonly ephemerals?: readonly TrackedContainer[];
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  readonly startTime: string;
  readonly initialized: boolean;
  readonly sandboxReady: boolean;
  /** Containers will not run again, whatever the restart policy says. */
  readonly terminal: boolean;
  /** Overrides the phase, e.g. when the active deadline passed. */
  readonly failure?: { readonly reason: string; readonly message: string };
  readonly previous: PodStatus;
  readonly now: string;
}

function settledPhase(input: StatusInput, computed: PodPhase): PodPhase {
  const before = input.previous.phase;
  if (before === 'Succeeded' || before === 'Failed') return before;
  return input.failure !== undefined && input.terminal ? 'Failed' : computed;
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, podIps, hostIps } = input;
  const [podIp] = podIps;
  const statuses = input.apps.map((one) => one.status());
  const ephemeralStatuses = (input.ephemerals ?? []).map((one) => one.status());
  const initStatuses = input.inits.map((one) => one.status());
  const computed = podPhase(pod, [...initStatuses, ...statuses], input.terminal, input.initialized);
  const phase = settledPhase(input, computed);
  const conditions = podConditions(
    { pod, phase, statuses, initStatuses, initialized: input.initialized, sandboxReady: input.sandboxReady },
    input.previous.conditions ?? [],
    input.now,
  );
  return {
    phase,
    conditions,
    ...(input.failure === undefined ? {} : input.failure),
    hostIP: hostIps[0] ?? '',
    hostIPs: hostIps.map((ip) => ({ ip })),
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: input.startTime,
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    ...(ephemeralStatuses.length === 0 ? {} : { ephemeralContainerStatuses: ephemeralStatuses }),
    qosClass: qosClass(pod),
  };
}
