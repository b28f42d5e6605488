// All verdicts together.
// Looks up; says nothing of its own.
import type { Verdict, Verdicts } from '../verdict.ts';
import { autoscalingVerdicts } from './autoscaling.ts';
import { containerVerdicts } from './container.ts';
import { ingressVerdicts } from './ingress.ts';
import { nodeVerdicts } from './node.ts';
import { podVerdicts } from './pod.ts';
import { schedulingVerdicts } from './scheduling.ts';
import { serviceVerdicts } from './services.ts';
import { volumeVerdicts } from './volumes.ts';
import { workloadVerdicts } from './workloads.ts';

const all: Verdicts = {
  ...podVerdicts,
  ...containerVerdicts,
  ...schedulingVerdicts,
  ...volumeVerdicts,
  ...workloadVerdicts,
  ...serviceVerdicts,
  ...ingressVerdicts,
  ...nodeVerdicts,
  ...autoscalingVerdicts,
};

/** Every type that has verdicts. */
export const judgedTypes: readonly string[] = Object.keys(all);

/** `undefined` when nobody has judged the field. */
export function verdictOf(type: string, field: string): Verdict | undefined {
  const verdicts = all[type];
  if (verdicts === undefined) return undefined;
  return 'every' in verdicts
    ? (verdicts.every as Verdict)
    : Object.hasOwn(verdicts, field)
      ? verdicts[field]
      : undefined;
}

/** Fields that are judged one by one, for a type that is. */
export function judgedFields(type: string): readonly string[] {
  const verdicts = all[type] ?? {};
  return 'every' in verdicts ? [] : Object.keys(verdicts);
}
