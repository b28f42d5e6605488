// From the settings of a BackendPolicy, or of annotations that stand for it, to what they change of a cluster.
// Pure; takes what checks have let through.
import type { BackendPolicySpec } from '#kube/api/backend-policy/types.ts';
import { hash32 } from '#lib/hash.ts';
import { durationMs } from '../gateway/duration.ts';
import type { AffinityPolicy, BalancingPolicy, HashPolicy, HealthCheck, RetryCondition, RetryPolicy } from '../ir.ts';
import type { ClusterChanges } from './changes.ts';

/** `owner` names the object, for cookies that nobody named: every gateway gives the same. */
export function changesOf(spec: BackendPolicySpec, owner: string): Omit<ClusterChanges, 'origins'> {
  const { balancing, sessionAffinity, timeouts, retry, retryBudget, healthCheck, outlierDetection } = spec;
  const { circuitBreaker, slowStart, locality, subset, panicThreshold, upstreamProtocol } = spec;
  return defined({
    policy: balancing && balancingOf(balancing),
    hash: hashOf(balancing?.hashBy),
    affinity: sessionAffinity && affinityOf(sessionAffinity, owner),
    timeouts:
      timeouts &&
      defined({
        connect: ms(timeouts.connect),
        request: ms(timeouts.request),
        response: ms(timeouts.perTry),
        idle: ms(timeouts.idle),
      }),
    retry: retry && retryOf(retry),
    retryBudget: retryBudget && { percent: retryBudget.percent ?? 20, minConcurrent: retryBudget.minConcurrent ?? 3 },
    healthCheck: healthCheck && healthCheckOf(healthCheck),
    outlierDetection: outlierDetection && outlierOf(outlierDetection),
    circuitBreaker: circuitBreaker && limitsOf(circuitBreaker),
    slowStart: slowStart && {
      windowMs: ms(slowStart.window) ?? 0,
      aggression: slowStart.aggression ?? 1,
      minWeightPercent: slowStart.minWeightPercent ?? 10,
    },
    locality: locality && {
      prefer: locality.prefer as 'same_zone' | 'same_node',
      overprovisioningPercent: locality.overprovisioningPercent ?? 140,
    },
    subset,
    panicThreshold,
    upstreamProtocol: upstreamProtocol as 'http1' | 'http2' | undefined,
  });
}

function balancingOf(wish: NonNullable<BackendPolicySpec['balancing']>): BalancingPolicy {
  const { policy: type, choices, hashBalanceFactor, pointsPerEndpoint, maximumSize, tableSize } = wish;
  switch (type) {
    case 'least_request':
      return { type, choices: choices ?? 2 };
    case 'ring_hash':
      return defined({ type, pointsPerEndpoint, maximumSize, hashBalanceFactor });
    case 'maglev':
      return defined({ type, tableSize, hashBalanceFactor });
    case 'peak_ewma':
      return defined({
        type,
        choices,
        decayMs: ms(wish.decay),
        defaultMs: ms(wish.defaultLatency),
        penaltyMs: ms(wish.failurePenalty),
      });
    case 'prequal': {
      const { poolSize, hotQuantile, probesPerRequest } = wish;
      return defined({ type, poolSize, hotQuantile, probesPerRequest });
    }
    default:
      return { type } as BalancingPolicy;
  }
}

function hashOf(wish: { readonly type: string; readonly name?: string } | undefined): HashPolicy | undefined {
  if (wish === undefined) return undefined;
  const { type, name = '' } = wish;
  if (type === 'header') return { type, name: name.toLowerCase() };
  return type === 'cookie' || type === 'query' ? { type, name } : { type: 'source_ip' };
}

function affinityOf(wish: NonNullable<BackendPolicySpec['sessionAffinity']>, owner: string): AffinityPolicy {
  const { type, name, path = '/', maxAge, mode = 'persistent', sameSite, secure } = wish;
  if (type === 'header') return { type, name: (name ?? '').toLowerCase() };
  const maxAgeSeconds = Math.round((ms(maxAge) ?? 0) / 1000);
  if (type === 'source_ip') return maxAgeSeconds === 0 ? { type } : { type, maxAgeSeconds };
  return defined({
    type: 'cookie' as const,
    name: name ?? `evenkeel-${hash32(owner).toString(16)}`,
    path,
    maxAgeSeconds,
    mode: mode as 'persistent' | 'balanced',
    secure,
    sameSite: sameSite as 'Strict' | 'Lax' | 'None' | undefined,
  });
}

function retryOf(wish: NonNullable<BackendPolicySpec['retry']>): RetryPolicy {
  const { attempts = 1, conditions, statuses, methods, backoff, maxBackoff } = wish;
  const base = ms(backoff) ?? 0;
  return defined({
    attempts,
    on: conditions as readonly RetryCondition[] | undefined,
    statuses,
    methods,
    backoff: base === 0 ? undefined : { baseMs: base, maxMs: ms(maxBackoff) ?? base * 10 },
  });
}

function healthCheckOf(wish: NonNullable<BackendPolicySpec['healthCheck']>): HealthCheck {
  const { type, interval, timeout, jitterPercent, unhealthyThreshold, healthyThreshold, ...rest } = wish;
  return {
    ...rest,
    type: type as HealthCheck['type'],
    interval: ms(interval) ?? 10_000,
    timeout: ms(timeout) ?? 1_000,
    jitter: jitterPercent ?? 10,
    unhealthyThreshold: unhealthyThreshold ?? 3,
    healthyThreshold: healthyThreshold ?? 1,
  };
}

function outlierOf(wish: NonNullable<BackendPolicySpec['outlierDetection']>) {
  const { latencyMinimum, interval, baseEjection, maxEjection, ...rest } = wish;
  return defined({
    ...rest,
    latencyMinimumMs: ms(latencyMinimum),
    interval: ms(interval),
    baseEjection: ms(baseEjection),
    maxEjection: ms(maxEjection),
  });
}

function limitsOf({ maxPendingRequests, ...rest }: NonNullable<BackendPolicySpec['circuitBreaker']>) {
  return defined({ ...rest, maxPending: maxPendingRequests });
}

function ms(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text);
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>;
}
