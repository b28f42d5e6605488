// BackendPolicy as clients write it.
// Types only; the definition beside it says what values are let in.
import type { Condition, ParentRef } from '../gateway/types.ts';
import type { KubeObject } from '../object.ts';

export interface PolicyTarget {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

export interface BackendPolicySpec {
  readonly balancing?: {
    readonly policy: string;
    readonly choices?: number;
    readonly hashBy?: { readonly type: string; readonly name?: string };
    readonly hashBalanceFactor?: number;
    readonly pointsPerEndpoint?: number;
    readonly maximumSize?: number;
    readonly tableSize?: number;
    readonly decay?: string;
    readonly defaultLatency?: string;
    readonly failurePenalty?: string;
    readonly poolSize?: number;
    readonly hotQuantile?: number;
    readonly probesPerRequest?: number;
  };
  readonly sessionAffinity?: {
    readonly type: string;
    readonly name?: string;
    readonly path?: string;
    readonly maxAge?: string;
    readonly mode?: string;
    readonly sameSite?: string;
    readonly secure?: boolean;
  };
  readonly locality?: { readonly prefer: string; readonly overprovisioningPercent?: number };
  readonly subset?: Readonly<Record<string, string>>;
  readonly panicThreshold?: number;
  readonly healthCheck?: {
    readonly type: string;
    readonly interval?: string;
    readonly timeout?: string;
    readonly jitterPercent?: number;
    readonly unhealthyThreshold?: number;
    readonly healthyThreshold?: number;
    readonly port?: number;
    readonly path?: string;
    readonly host?: string;
    readonly method?: string;
    readonly expectedStatuses?: readonly string[];
    readonly grpcService?: string;
    readonly initiallyUnhealthy?: boolean;
  };
  readonly outlierDetection?: {
    readonly consecutive5xx?: number;
    readonly consecutiveGatewayErrors?: number;
    readonly consecutiveConnectFailures?: number;
    readonly successRateStdevFactor?: number;
    readonly successRateMinimumHosts?: number;
    readonly successRateRequestVolume?: number;
    readonly latencyFactor?: number;
    readonly latencyMinimum?: string;
    readonly interval?: string;
    readonly baseEjection?: string;
    readonly maxEjection?: string;
    readonly maxEjectionPercent?: number;
  };
  readonly circuitBreaker?: {
    readonly maxConnections?: number;
    readonly maxPendingRequests?: number;
    readonly maxRequests?: number;
    readonly maxRetries?: number;
  };
  readonly slowStart?: { readonly window: string; readonly aggression?: number; readonly minWeightPercent?: number };
  readonly timeouts?: {
    readonly connect?: string;
    readonly request?: string;
    readonly perTry?: string;
    readonly idle?: string;
  };
  readonly retry?: {
    readonly attempts?: number;
    readonly conditions?: readonly string[];
    readonly statuses?: readonly number[];
    readonly methods?: readonly string[];
    readonly backoff?: string;
    readonly maxBackoff?: string;
  };
  readonly retryBudget?: { readonly percent?: number; readonly minConcurrent?: number };
  readonly upstreamProtocol?: string;
}

export interface PolicyAncestor {
  readonly ancestorRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface BackendPolicy extends KubeObject {
  readonly spec?: BackendPolicySpec & { readonly targetRefs?: readonly PolicyTarget[] };
  readonly status?: { readonly ancestors?: readonly PolicyAncestor[] };
}
