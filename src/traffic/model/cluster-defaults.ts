// What a cluster does when nobody says otherwise, whichever way it came into the model.
// Knows no source of clusters.
import type { BalancingPolicy, ClusterTimeouts, RetryPolicy } from './ir.ts';

/** Chosen by measurement: docs/adr/0007-peak-ewma-by-default.md. */
export const defaultPolicy: BalancingPolicy = { type: 'peak_ewma' };
/** Milliseconds; as generous as gateways usually are, so that a slow backend is its owner's decision. */
export const defaultTimeouts: ClusterTimeouts = { connect: 5_000, response: 60_000, idle: 60_000 };
export const defaultRetry: RetryPolicy = { attempts: 1 };
