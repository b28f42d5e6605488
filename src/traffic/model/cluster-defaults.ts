// What a cluster does when nobody says otherwise, whichever way it came into the model.
// Knows no source of clusters.
import type { BalancingPolicy, ClusterTimeouts, RetryPolicy } from './ir.ts';

/** Two choices keep the slowest request fast at a cost that does not grow with the number of endpoints. */
export const defaultPolicy: BalancingPolicy = { type: 'least_request', choices: 2 };
/** Milliseconds; as generous as gateways usually are, so that a slow backend is its owner's decision. */
export const defaultTimeouts: ClusterTimeouts = { connect: 5_000, response: 60_000, idle: 60_000 };
export const defaultRetry: RetryPolicy = { attempts: 1 };
