// What an autoscaler does: first by its bounds alone, then by what its metrics ask for.
// Knows no API and fetches nothing. (Upstream: reconcileAutoscaler in horizontal.go.)
import { type History, withChange, withRecommendation } from './behavior/history.ts';
import { limitByRules, limitSimply } from './behavior/limit.ts';
import { type Behavior, type FullRules, rulesOf } from './behavior/rules.ts';
import { stabilize, stabilizeDown } from './behavior/stabilize.ts';
import type { Condition } from './conditions.ts';

export interface Autoscaler {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Without it the older rules hold. */
  readonly behavior: Behavior | undefined;
  /** Some metric can be read although no pod is there. */
  readonly seesWithoutPods: boolean;
  /** It was the autoscaler who took the last pod, so it may bring the first. */
  readonly scaledToZero: boolean;
}

export type FirstLook =
  /** Somebody has set the target to zero: hands off. */
  | { readonly do: 'nothing'; readonly condition: Condition }
  | { readonly do: 'scale'; readonly desired: number; readonly reason: string }
  | { readonly do: 'compute' };

/** What can be told without any metric. */
export function firstLook(autoscaler: Autoscaler, current: number): FirstLook {
  const { minReplicas, maxReplicas, scaledToZero, seesWithoutPods } = autoscaler;
  if (current === 0) {
    if (scaledToZero && (minReplicas !== 0 || seesWithoutPods)) return { do: 'compute' };
    const message = 'scaling is disabled since the replica count of the target is zero';
    return {
      do: 'nothing',
      condition: { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message },
    };
  }
  if (current > maxReplicas) {
    return { do: 'scale', desired: maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' };
  }
  if (current < minReplicas) return { do: 'scale', desired: minReplicas, reason: BELOW_MIN };
  return { do: 'compute' };
}

const BELOW_MIN = 'Current number of replicas below Spec.MinReplicas';

export interface Settled {
  readonly desired: number;
  /** Why it changes, in the words of events; empty when it does not. */
  readonly reason: string;
  /** AbleToScale and ScalingLimited. */
  readonly conditions: readonly Condition[];
  readonly history: History;
}

export interface SettleInput {
  readonly autoscaler: Autoscaler;
  readonly current: number;
  /** What the metrics ask for, and which of them does. */
  readonly asked: { readonly replicas: number; readonly metric: string };
  readonly history: History;
  /** Of whoever names none. Upstream: --horizontal-pod-autoscaler-downscale-stabilization. */
  readonly downWindowMs: number;
  readonly now: number;
}

/** What becomes of the wish of the metrics. */
export function settle(input: SettleInput): Settled {
  const { autoscaler, current, asked, history, downWindowMs, now } = input;
  const { minReplicas: min, maxReplicas: max, behavior } = autoscaler;
  const wish = Math.max(0, asked.replicas);
  const rules = behavior && rulesOf(behavior, downWindowMs / 1000);
  const stable =
    rules === undefined
      ? stabilizeDown(history, wish, downWindowMs, now)
      : stabilize(history, wish, current, windowsOf(rules), now);
  const limited =
    rules === undefined
      ? limitSimply(stable.replicas, current, { min, max })
      : limitByRules(stable.replicas, current, { min, max }, rules, history, now);
  const keepMs = rules === undefined ? downWindowMs : 1000 * Math.max(rules.up.windowSeconds, rules.down.windowSeconds);
  // The least number was raised while no pod was there: the first ones come all the same.
  const raised = current === 0 && min !== 0 && autoscaler.scaledToZero && limited.replicas < min;
  const why = wish > current ? `${asked.metric} above target` : wish < current ? 'All metrics below target' : '';
  return {
    desired: raised ? min : limited.replicas,
    reason: raised && why === '' ? BELOW_MIN : why,
    conditions: [
      { type: 'AbleToScale', status: 'True', reason: stable.reason, message: stable.message },
      {
        type: 'ScalingLimited',
        status: limited.replicas === stable.replicas ? 'False' : 'True',
        reason: limited.reason,
        message: limited.message,
      },
    ],
    history: withRecommendation(history, { replicas: wish, at: now }, keepMs),
  };
}

const windowsOf = ({ up, down }: { up: FullRules; down: FullRules }): { upSeconds: number; downSeconds: number } => ({
  upSeconds: up.windowSeconds,
  downSeconds: down.windowSeconds,
});

/** To be called once the target has been scaled: what was done counts against what may be done next. */
export function remembered(
  history: History,
  behavior: Behavior | undefined,
  from: number,
  to: number,
  downWindowMs: number,
  now: number,
): History {
  if (behavior === undefined) return history;
  return withChange(history, from, to, rulesOf(behavior, downWindowMs / 1000), now);
}

/** ScaledToZero, after a change. (KEP-2021.) */
export function zeroCondition(autoscaler: Autoscaler, from: number, to: number): Condition {
  const { minReplicas, seesWithoutPods } = autoscaler;
  return from > 0 && to === 0 && minReplicas === 0 && seesWithoutPods
    ? {
        type: 'ScaledToZero',
        status: 'True',
        reason: 'ScaledToZero',
        message: 'the HPA controller scaled the workload to zero',
      }
    : {
        type: 'ScaledToZero',
        status: 'False',
        reason: 'NotScaledToZero',
        message: 'the HPA controller did not scale the workload to zero',
      };
}
