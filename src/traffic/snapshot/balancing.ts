// How a cluster weighs and picks, from its settings: the policy, and the weights that change with time.
// Knows no endpoint; one of these lives as long as the settings it was made from.
import { EffectiveWeights } from '#traffic/balancer/effective-weights.ts';
import { policies } from '#traffic/balancer/index.ts';
import { parseLoadReport } from '#traffic/balancer/load-reports/parse.ts';
import type { BalancingPolicy, Cluster } from '#traffic/model/ir.ts';
import type { EngineTarget } from './types.ts';

export interface ClusterBalancing {
  /** Equal for settings that balance alike. */
  readonly key: string;
  readonly policy: BalancingPolicy;
  /** Undefined while every endpoint keeps its own weight. */
  readonly weights: ReportedWeights | undefined;
  readonly weightOf: (target: EngineTarget) => number;
}

/** Effective weights that read the load report as it comes in a response. */
class ReportedWeights extends EffectiveWeights<EngineTarget> {
  /** A report that cannot be read says nothing: the response is the client's all the same. */
  reportHeader(target: EngineTarget, header: string, now: number): void {
    const parsed = parseLoadReport(header);
    if (parsed.type === 'report') this.report(target, parsed.report, now);
  }
}

/**
 * A policy that keeps clients where they are keeps its weights, too: moving some of them on each step of a slow start
 * would undo what it is for. Taking turns without weights becomes taking turns by the effective ones.
 */
export function balancingOf({ policy, slowStart, loadReports }: Cluster): ClusterBalancing {
  const weighed = (slowStart !== undefined || loadReports !== undefined) && !isSticky(policy);
  const key = JSON.stringify([policy, weighed, slowStart, loadReports]);
  const turns = policy.type === 'round_robin';
  if (!weighed) return { key, policy, weights: undefined, weightOf: (target) => target.endpoint.weight };
  const weights = new ReportedWeights({
    ...(slowStart === undefined ? {} : { slowStart }),
    ...(loadReports === undefined ? {} : { loadReports }),
  });
  return {
    key,
    policy: turns ? { type: 'weighted_round_robin' } : policy,
    weights,
    weightOf: (target) => (turns ? 1 : target.endpoint.weight) * weights.factor(target),
  };
}

/** One client always reaches the same target while that target stays. */
export function isSticky({ type }: BalancingPolicy): boolean {
  const known: Readonly<Record<string, { readonly promises: { readonly sticky: boolean } }>> = policies;
  return known[type]?.promises.sticky ?? false;
}
