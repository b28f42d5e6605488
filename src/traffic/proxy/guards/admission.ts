// The place of one request within the limits of its cluster: let in, let out, and its retries between.
// Costs nothing for a cluster without limits; knows nothing of why a retry is wanted.

import type { Cluster } from '#traffic/model/ir.ts';
import type { ClusterGuard, ClusterGuards } from './cluster-guard.ts';

/** Told of what a limit kept from happening. */
export interface OverflowStats {
  overflowed(cluster: string, limit: string): void;
}

/** One per client stream, entered anew with each request. */
export class Admission {
  readonly #guards: ClusterGuards;
  readonly #stats: OverflowStats;
  #guard: ClusterGuard | undefined;
  #cluster = '';
  #retrying = false;

  constructor(guards: ClusterGuards, stats: OverflowStats) {
    this.#guards = guards;
    this.#stats = stats;
  }

  /** False when the cluster has all the requests it may have. */
  enter(config: Cluster): boolean {
    const guard = this.#guards.of(config);
    this.#cluster = config.name;
    if (guard?.allowsRequest() === false) {
      this.#stats.overflowed(config.name, 'requests');
      return false;
    }
    guard?.add('requests', 1);
    this.#guard = guard;
    return true;
  }

  allowsRetry(): boolean {
    const limit = this.#guard?.refusesRetry();
    if (limit === undefined) return true;
    this.#stats.overflowed(this.#cluster, limit);
    return false;
  }

  /** The next try, and the wait before it, count as a retry until `endRetry` or `leave`. */
  beginRetry(): void {
    if (!this.#retrying) this.#guard?.add('retries', 1);
    this.#retrying = true;
  }

  endRetry(): void {
    if (this.#retrying) this.#guard?.add('retries', -1);
    this.#retrying = false;
  }

  leave(): void {
    this.endRetry();
    this.#guard?.add('requests', -1);
    this.#guard = undefined;
  }
}
