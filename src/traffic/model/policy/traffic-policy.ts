// What an XBackendTrafficPolicy says of a Service (GEP-3388, GEP-1619), in the words of the traffic model.
// Pure; of what is left out the definition's defaults hold, as for policies that no API server has filled in.
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import type { SessionPersistence } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import type { Fault } from '../gateway/conditions.ts';
import { durationMs } from '../gateway/duration.ts';
import { affinityOf } from '../gateway/session.ts';
import type { RetryBudgetPolicy } from '../ir.ts';
import type { ClusterChanges } from './changes.ts';

export const TRAFFIC_POLICY = 'XBackendTrafficPolicy';

export interface BackendTrafficPolicy extends KubeObject {
  readonly spec?: {
    readonly targetRefs?: readonly { readonly group?: string; readonly kind: string; readonly name: string }[];
    readonly retryConstraint?: {
      readonly budget?: { readonly percent?: number; readonly interval?: string };
      readonly minRetryRate?: { readonly count?: number; readonly interval?: string };
    };
    readonly sessionPersistence?: SessionPersistence;
  };
  readonly status?: BackendPolicy['status'];
}

export function changesOfTrafficPolicy(
  { spec = {} }: BackendTrafficPolicy,
  key: string,
): { readonly changes: ClusterChanges } | { readonly fault: Fault } {
  const { retryConstraint, sessionPersistence } = spec;
  if (retryConstraint === undefined && sessionPersistence === undefined) {
    return {
      fault: { reason: 'Invalid', message: 'The policy says nothing: add retryConstraint or sessionPersistence' },
    };
  }
  const from = `${TRAFFIC_POLICY} ${key}`;
  const retryBudget = retryConstraint && budgetOf(retryConstraint);
  const affinity = affinityOf(sessionPersistence, from);
  const said = (name: string, value: unknown) => ({ [name]: { value: JSON.stringify(value), from } });
  return {
    changes: {
      ...(retryBudget === undefined ? {} : { retryBudget }),
      ...(affinity === undefined ? {} : { affinity }),
      origins: {
        ...(retryConstraint === undefined ? {} : said('retryBudget', retryConstraint)),
        ...(sessionPersistence === undefined ? {} : said('sessionAffinity', sessionPersistence)),
      },
    },
  };
}

function budgetOf({
  budget = {},
  minRetryRate = {},
}: NonNullable<NonNullable<BackendTrafficPolicy['spec']>['retryConstraint']>): RetryBudgetPolicy {
  return {
    percent: budget.percent ?? 20,
    minConcurrent: 0,
    over: {
      intervalMs: durationMs(budget.interval ?? '10s') ?? 10_000,
      minCount: minRetryRate.count ?? 10,
      minIntervalMs: durationMs(minRetryRate.interval ?? '1s') ?? 1_000,
    },
  };
}
