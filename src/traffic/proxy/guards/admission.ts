// The place of one request within the limits of its cluster: let in, let out, and its retries between.
// Costs nothing for a cluster without limits; knows nothing of why a retry is wanted.

import type { Cluster } from '#traffic/model/ir.ts';
import type { ClusterGuard, ClusterGuards, Waiting } from './cluster-guard.ts';

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
  /** The retry that was asked for last is one too many of its time: the client gets 503. */
  isSpent = false;
  #pending: Waiting | undefined;

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
    this.isSpent = false;
    return true;
  }

  allowsRetry(): boolean {
    const limit = this.#guard?.refusesRetry();
    this.isSpent = limit === 'retry_rate';
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

  /** The request stands in line for a connection. */
  get waits(): boolean {
    return this.#pending !== undefined;
  }

  /** Has the request wait for a connection; false when too many do already. `retry` is called when one may be free. */
  wait(one: Waiting): boolean {
    const guard = this.#guard;
    if (guard === undefined) return false;
    const again = this.#pending !== undefined;
    if (!again) {
      if (!guard.allowsPending()) {
        this.#stats.overflowed(this.#cluster, 'pending');
        return false;
      }
      guard.add('pending', 1);
    }
    this.#pending = one;
    guard.wait(one, again);
    return true;
  }

  /** The request has its connection, or gives up. */
  endWait(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#guard?.leave(pending);
    this.#guard?.add('pending', -1);
  }

  leave(): void {
    this.endRetry();
    this.endWait();
    this.#guard?.add('requests', -1);
    this.#guard = undefined;
  }
}
