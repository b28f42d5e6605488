// From what was seen to what should be changed, each line with its evidence.
// Pure; the figures are rules of thumb, each with its reason beside it.
import { forBackends, type SettingAdvice } from './backends.ts';
import type { Amounts, ContainerFacts, WorkloadFacts } from './facts.ts';

/** A change of one field. `from` and `to` as a manifest writes them; `from` empty where nothing was said. */
export interface Advice {
  readonly workload: WorkloadFacts;
  readonly field: string;
  readonly from: string;
  readonly to: string;
  readonly evidence: string;
  readonly change: Change;
}

export type Change =
  | {
      readonly what: 'resources';
      readonly container: string;
      readonly of: 'requests' | 'limits';
      readonly resource: keyof Amounts;
      readonly value: string;
    }
  | { readonly what: 'autoscaler'; readonly name: string; readonly minReplicas?: number; readonly maxReplicas?: number }
  | {
      readonly what: 'new autoscaler';
      readonly minReplicas: number;
      readonly maxReplicas: number;
      readonly utilization: number;
    }
  | { readonly what: 'budget' }
  | SettingAdvice['change'];

/** Fewer looks than this say too little of a container. */
const LEAST_LOOKS = 5;
/** A request is the use that nineteen of twenty looks stayed below, and some. */
const CPU_ROOM = 1.15;
/** Memory cannot be taken back: the most that was seen, and some. */
const MEMORY_ROOM = 1.2;
const MEMORY_LIMIT_ROOM = 1.5;
/** Requests that are within a third of what they should be are left alone: every change is a rollout. */
const NEAR = 1 / 3;
const LEAST_CPU = 10;
const LEAST_MEMORY = 16 * 2 ** 20;
const UTILIZATION = 70;
/** An autoscaler pays where the busiest look had that many times the requests of the quietest. */
const VARIES = 2;

export function advise(workload: WorkloadFacts): readonly Advice[] {
  const looks = workload.replicas.length;
  if (looks < LEAST_LOOKS) return [];
  const { containers } = workload;
  return [
    ...containers.flatMap((container) => forContainer(workload, container)),
    ...forScale(workload),
    ...forBudget(workload),
    ...forBackends(workload).map((one) => ({ workload, ...one })),
  ];
}

function forContainer(workload: WorkloadFacts, container: ContainerFacts): readonly Advice[] {
  const { cpu, memory, requests, limits, name } = container;
  const advice: Advice[] = [];
  const say = (of: 'requests' | 'limits', resource: keyof Amounts, to: number, evidence: string): void => {
    const from = (of === 'requests' ? requests : limits)[resource];
    const value = quantity(resource, to);
    advice.push({
      workload,
      field: `${name}: resources.${of}.${resource}`,
      from: from === undefined ? '' : quantity(resource, from),
      to: value,
      evidence,
      change: { what: 'resources', container: name, of, resource, value },
    });
  };
  if (cpu.length >= LEAST_LOOKS) {
    const usual = percentile(cpu, 0.95);
    const right = Math.max(LEAST_CPU, usual * CPU_ROOM);
    const used = `${cpu.length} looks: ${quantity('cpu', percentile(cpu, 0.5))} in half of them, at most ${quantity('cpu', usual)} in 95 %`;
    // What is held down by its limit wants more than can be seen.
    const held = limits.cpu !== undefined && usual >= 0.9 * limits.cpu;
    if (held) say('limits', 'cpu', 2 * (limits.cpu ?? 0), `${used}: its limit holds it down, and its users wait`);
    else if (!near(requests.cpu, right)) say('requests', 'cpu', right, used);
  }
  if (memory.length >= LEAST_LOOKS) {
    const most = percentile(memory, 1);
    const used = `${memory.length} looks: at most ${quantity('memory', most)}`;
    const right = Math.max(LEAST_MEMORY, most * MEMORY_ROOM);
    if (!near(requests.memory, right)) say('requests', 'memory', right, used);
    const limit = Math.max(LEAST_MEMORY, most * MEMORY_LIMIT_ROOM);
    if (limits.memory === undefined) say('limits', 'memory', limit, `${used}; without a limit one leak takes the node`);
    else if (limits.memory < most * MEMORY_ROOM) say('limits', 'memory', limit, `${used}: close to being killed`);
  }
  return advice;
}

function forScale(workload: WorkloadFacts): readonly Advice[] {
  const { autoscaler, traffic, replicas, wanted, kind } = workload;
  const most = Math.max(...replicas);
  if (autoscaler !== undefined) {
    const { name, minReplicas, maxReplicas } = autoscaler;
    const advice: Advice[] = [];
    const capped = replicas.filter((count) => count >= maxReplicas).length / replicas.length;
    if (capped >= 0.1 && maxReplicas > minReplicas) {
      advice.push({
        workload,
        field: `HorizontalPodAutoscaler ${name}: maxReplicas`,
        from: `${maxReplicas}`,
        to: `${maxReplicas * 2}`,
        evidence: `it stood at its maximum in ${share(capped)} of ${replicas.length} looks`,
        change: { what: 'autoscaler', name, maxReplicas: maxReplicas * 2 },
      });
    }
    if (minReplicas === 1 && traffic !== undefined && mean(traffic.rates) > 0) {
      advice.push({
        workload,
        field: `HorizontalPodAutoscaler ${name}: minReplicas`,
        from: '1',
        to: '2',
        evidence: `users ask it ${mean(traffic.rates).toFixed(1)} times a second; with one pod, its node's end is an outage`,
        change: { what: 'autoscaler', name, minReplicas: 2 },
      });
    }
    return advice;
  }
  if (kind === 'DaemonSet' || traffic === undefined || traffic.rates.length < LEAST_LOOKS) return [];
  const [quiet, busy] = [Math.max(percentile(traffic.rates, 0.05), 0.1), percentile(traffic.rates, 0.95)];
  if (busy / quiet < VARIES) return [];
  const maxReplicas = Math.max(4, most * 3);
  const minReplicas = Math.max(2, Math.min(wanted, Math.ceil((wanted * quiet) / busy)));
  return [
    {
      workload,
      field: 'HorizontalPodAutoscaler',
      from: '',
      to: `${minReplicas} to ${maxReplicas} at ${UTILIZATION} % CPU`,
      evidence: `${quiet.toFixed(1)} to ${busy.toFixed(1)} requests a second (5 % and 95 % of ${traffic.rates.length} looks) by ${wanted} replicas all the time`,
      change: { what: 'new autoscaler', minReplicas, maxReplicas, utilization: UTILIZATION },
    },
  ];
}

function forBudget(workload: WorkloadFacts): readonly Advice[] {
  const { budget, kind, replicas } = workload;
  const least = Math.min(...replicas);
  if (budget || kind === 'DaemonSet' || least < 2) return [];
  const evidence = `${least} pods or more all the time, and nothing keeps a drain from taking all of them at once`;
  return [
    { workload, field: 'PodDisruptionBudget', from: '', to: 'maxUnavailable 1', evidence, change: { what: 'budget' } },
  ];
}

function near(now: number | undefined, right: number): boolean {
  return now !== undefined && Math.abs(now - right) <= right * NEAR;
}

/** `part` of the values are at most this; the highest for 1. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** As manifests are written: whole millicores in fives, whole mebibytes; never less than what was asked for. */
export function quantity(resource: keyof Amounts, value: number): string {
  return resource === 'cpu' ? `${Math.ceil(value / 5) * 5}m` : `${Math.ceil(value / 2 ** 20)}Mi`;
}

function share(part: number): string {
  return `${Math.round(part * 100)} %`;
}
