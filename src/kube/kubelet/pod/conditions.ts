// A pod's conditions from the states of its containers and its readiness gates.
// Pure; reasons and messages are upstream's, which tools print and tests compare.
import type { ContainerStatus, Pod, PodCondition } from 'kubernetes-types/core/v1.js';
import type { PodPhase } from './phase.ts';
import { initKind } from './restart-policy.ts';

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

export interface ConditionInput {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly statuses: readonly ContainerStatus[];
  readonly initStatuses: readonly ContainerStatus[];
  readonly initialized: boolean;
  /** The pod has its address and volumes, so containers can start. */
  readonly sandboxReady: boolean;
}

function ended(phase: PodPhase): Verdict | undefined {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  return undefined;
}

function containersReady(input: ConditionInput): Verdict {
  const unknown: string[] = [];
  const unready: string[] = [];
  const sidecars = (input.pod.spec?.initContainers ?? []).filter((one) => initKind(one) === 'sidecar');
  const all = [...input.initStatuses, ...input.statuses];
  for (const { name } of [...sidecars, ...(input.pod.spec?.containers ?? [])]) {
    const status = all.find((one) => one.name === name);
    if (status === undefined) unknown.push(name);
    else if (!status.ready) unready.push(name);
  }
  const finished = ended(input.phase);
  if (finished !== undefined) return finished;
  const messages: string[] = [];
  if (unknown.length > 0) messages.push(`containers with unknown status: [${unknown.join(' ')}]`);
  if (unready.length > 0) messages.push(`containers with unready status: [${unready.join(' ')}]`);
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ContainersNotReady', message: messages.join(', ') };
}

function podReady(input: ConditionInput, containers: Verdict): Verdict {
  if (containers.status !== 'True') return containers;
  const messages: string[] = [];
  for (const { conditionType } of input.pod.spec?.readinessGates ?? []) {
    const condition = input.pod.status?.conditions?.find((one) => one.type === conditionType);
    if (condition === undefined) {
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (condition.status !== 'True') {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
    }
  }
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function podInitialized(input: ConditionInput): Verdict {
  if (input.phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (input.initialized) return { status: 'True' };
  const incomplete = (input.pod.spec?.initContainers ?? [])
    .filter((container) => {
      const status = input.initStatuses.find((one) => one.name === container.name);
      return initKind(container) === 'sidecar' ? status?.started !== true : status?.ready !== true;
    })
    .map((container) => container.name);
  if (incomplete.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

/**
 * The kubelet's own conditions; a condition whose status did not change keeps its transition time from `before`.
 * Conditions of others (readiness gates) are not returned. (Upstream: pkg/kubelet/status/generate.go.)
 */
export function podConditions(input: ConditionInput, before: readonly PodCondition[], now: string): PodCondition[] {
  const ready = containersReady(input);
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: input.sandboxReady ? 'True' : 'False' }],
    ['Initialized', podInitialized(input)],
    ['Ready', podReady(input, ready)],
    ['ContainersReady', ready],
    ['PodScheduled', { status: 'True' }],
  ];
  return verdicts.map(([type, verdict]) => {
    const previous = before.find((one) => one.type === type);
    const same = previous?.status === verdict.status && previous.lastTransitionTime !== undefined;
    return { type, ...verdict, lastTransitionTime: same ? previous.lastTransitionTime : now };
  });
}
