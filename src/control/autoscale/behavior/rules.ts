// How fast an autoscaler may move: the rules of its behaviour, with the defaults for what it does not say.
// Knows numbers and words of the API, no objects. (Upstream: pkg/apis/autoscaling/v2/defaults.go.)
import type { Tolerances } from '../tolerance.ts';

export interface Policy {
  readonly type: string;
  readonly value: number;
  readonly periodSeconds: number;
}

export interface Rules {
  readonly stabilizationWindowSeconds?: number | undefined;
  readonly selectPolicy?: string | undefined;
  readonly policies?: readonly Policy[] | undefined;
  /** Share of the target. */
  readonly tolerance?: number | undefined;
}

export interface Behavior {
  readonly scaleUp?: Rules | undefined;
  readonly scaleDown?: Rules | undefined;
}

export interface FullRules {
  readonly windowSeconds: number;
  readonly selectPolicy: string;
  readonly policies: readonly Policy[];
}

/** Doubling, or four pods, whichever is more, every 15 s. */
const UP: FullRules = {
  windowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};

const DOWN: Omit<FullRules, 'windowSeconds'> = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

/** An API server has filled in most of it; one that has not does not change what is meant. */
export function rulesOf(behavior: Behavior, downWindowSeconds: number): { up: FullRules; down: FullRules } {
  return {
    up: filled(behavior.scaleUp, UP),
    down: filled(behavior.scaleDown, { ...DOWN, windowSeconds: downWindowSeconds }),
  };
}

function filled(rules: Rules | undefined, defaults: FullRules): FullRules {
  const policies = rules?.policies ?? [];
  return {
    windowSeconds: rules?.stabilizationWindowSeconds ?? defaults.windowSeconds,
    selectPolicy: rules?.selectPolicy ?? defaults.selectPolicy,
    policies: policies.length === 0 ? defaults.policies : policies,
  };
}

/** `usual`: share of the target for whoever does not say it. */
export function tolerancesOf(behavior: Behavior | undefined, usual: number): Tolerances {
  return { up: behavior?.scaleUp?.tolerance ?? usual, down: behavior?.scaleDown?.tolerance ?? usual };
}
