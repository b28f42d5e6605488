// What several metrics ask for together: the most, unless what is not known could have asked for more.
// Knows outcomes of single metrics. (Upstream: computeReplicasForMetrics in horizontal.go.)
import type { Condition } from './conditions.ts';
import type { Proposal, Refusal } from './metric.ts';

export interface Combined {
  /** `undefined`: nothing may be done. */
  readonly replicas: number | undefined;
  readonly metric: string;
  /** ScalingActive. */
  readonly condition: Condition;
  /** Of the metrics that could not be computed, if any; replicas may be known all the same. */
  readonly error: string | undefined;
}

/** `specReplicas`: what the target asks for now. */
export function combine(outcomes: readonly (Proposal | Refusal)[], specReplicas: number): Combined {
  let replicas = 0;
  let metric = '';
  for (const outcome of outcomes) {
    if (!outcome.ok || (replicas !== 0 && outcome.replicas <= replicas)) continue;
    ({ replicas, metric } = outcome);
  }
  const refusals = outcomes.filter((outcome) => !outcome.ok);
  const [first] = refusals;
  const count = `${refusals.length} invalid out of ${outcomes.length}`;
  const error = first && `invalid metrics (${count}), first error is: ${first.error}`;
  const allInvalid = refusals.length >= outcomes.length;
  if (allInvalid || (first !== undefined && replicas < specReplicas)) {
    const condition: Condition = {
      type: 'ScalingActive',
      status: 'False',
      reason: first?.reason ?? '',
      message: first === undefined ? '' : `the HPA was unable to compute the replica count: ${first.message}`,
    };
    return { replicas: undefined, metric: '', condition, error: error ?? 'invalid metrics (0 invalid out of 0)' };
  }
  const condition: Condition = {
    type: 'ScalingActive',
    status: 'True',
    reason: 'ValidMetricFound',
    message: `the HPA was able to successfully calculate a replica count from ${metric}`,
  };
  return { replicas, metric, condition, error };
}
