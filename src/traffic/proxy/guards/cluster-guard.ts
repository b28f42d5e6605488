// Circuit breaker and retry budget of one cluster, counted over all workers in shared memory.
// Knows nothing of requests; whoever is let in says so when it leaves.

import { jsonEqual } from '#lib/json.ts';
import type { Cluster } from '#traffic/model/ir.ts';
import type { InFlightCounters } from '../workers/in-flight.ts';
import { RetryRateBudget } from './retry-rate.ts';

/** What is counted a cluster; the name is part of the counter's key. */
export type GuardedCount = 'requests' | 'retries' | 'connections' | 'pending';

export const guardedCounts: readonly GuardedCount[] = ['requests', 'retries', 'connections', 'pending'];

/** Key of a counter slot; no endpoint's key begins like this. */
export function guardKey(cluster: string, count: GuardedCount): string {
  return `#${cluster}#${count}`;
}

export function isGuarded(cluster: Cluster): boolean {
  return cluster.circuitBreaker !== undefined || cluster.retryBudget !== undefined;
}

/** A request that waits for a connection. */
export interface Waiting {
  /** A connection may have become free: tries again, and waits on when it has not. */
  retry(): void;
}

/** Requests that may wait for a connection where nothing else is said (Envoy's default). */
const DEFAULT_PENDING = 1024;

/**
 * Each worker reads the sum over all and writes its own row, so a limit may be passed by as many as there are other
 * workers, for the moment in which they decide at once.
 */
export class ClusterGuard {
  /** Tells one guard of a cluster from a later one. */
  readonly id: number;
  /** Requests of this worker that wait for a connection, the longest first. */
  readonly #waiting: Waiting[] = [];
  /** How many of them are about to be woken. */
  #waking = 0;
  readonly #counters: InFlightCounters;
  readonly #slots: Readonly<Record<GuardedCount, number>>;
  readonly #now: () => number;
  #config: Cluster;
  #rate: RetryRateBudget | undefined;

  constructor(id: number, config: Cluster, counters: InFlightCounters, now: () => number) {
    this.id = id;
    this.#config = config;
    this.#counters = counters;
    this.#now = now;
    this.configure(config);
    const slot = (count: GuardedCount): number => counters.slot(guardKey(config.name, count));
    this.#slots = {
      requests: slot('requests'),
      retries: slot('retries'),
      connections: slot('connections'),
      pending: slot('pending'),
    };
  }

  configure(config: Cluster): void {
    this.#config = config;
    const { retryBudget } = config;
    if (retryBudget?.over === undefined) this.#rate = undefined;
    // What has been counted stays as long as the budget is the same.
    else if (this.#rate?.policy !== retryBudget && !jsonEqual(this.#rate?.policy, retryBudget)) {
      this.#rate = new RetryRateBudget(retryBudget, this.#counters.workers);
    }
  }

  add(count: GuardedCount, delta: 1 | -1): void {
    this.#counters.add(this.#slots[count], delta);
    if (this.#rate === undefined || delta === -1) return;
    if (count === 'requests') this.#rate.request(this.#now());
    else if (count === 'retries') this.#rate.retry(this.#now());
  }

  count(count: GuardedCount): number {
    return this.#counters.inFlight(this.#slots[count]);
  }

  /** Whether one more may come. */
  allowsRequest(): boolean {
    return this.#below('requests', this.#config.circuitBreaker?.maxRequests);
  }

  allowsConnection(): boolean {
    return this.#below('connections', this.#config.circuitBreaker?.maxConnections);
  }

  allowsPending(): boolean {
    return this.#below('pending', this.#config.circuitBreaker?.maxPending ?? DEFAULT_PENDING);
  }

  /** Has `one` wait, at the end of the line or, when it has waited before, at its head. */
  wait(one: Waiting, again: boolean): void {
    if (again) this.#waiting.unshift(one);
    else this.#waiting.push(one);
  }

  leave(one: Waiting): void {
    const at = this.#waiting.indexOf(one);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** A connection was closed or has become idle: the next in line may go on, once whoever says so has finished. */
  wake(): void {
    if (this.#waking >= this.#waiting.length) return;
    if (this.#waking++ > 0) return;
    queueMicrotask(() => {
      const free = this.#waking;
      this.#waking = 0;
      // One for each connection: several may have become free at the same moment.
      for (let left = free; left > 0; left--) this.#waiting.shift()?.retry();
    });
  }

  /** Another worker may have closed connections, which nobody here was told of; or there may be more of them now. */
  onTick(): void {
    const limit = this.#config.circuitBreaker?.maxConnections ?? Number.POSITIVE_INFINITY;
    const room = Math.min(limit - this.count('connections'), this.#waiting.length);
    for (let left = room; left > 0; left--) this.wake();
  }

  /** There are no limits any more. */
  open(): void {
    for (let left = this.#waiting.length; left > 0; left--) this.wake();
  }

  /** What forbids one more retry, or undefined: retries beyond a share of all requests make an overload worse. */
  refusesRetry(): 'retries' | 'retry_budget' | 'retry_rate' | undefined {
    const { circuitBreaker, retryBudget } = this.#config;
    if (!this.#below('retries', circuitBreaker?.maxRetries)) return 'retries';
    if (this.#rate !== undefined) return this.#rate.allows(this.#now()) ? undefined : 'retry_rate';
    if (retryBudget === undefined) return undefined;
    const allowed = Math.max(retryBudget.minConcurrent, (this.count('requests') * retryBudget.percent) / 100);
    return this.count('retries') < allowed ? undefined : 'retry_budget';
  }

  #below(count: GuardedCount, limit: number | undefined): boolean {
    return limit === undefined || this.count(count) < limit;
  }
}

/** The guards of one worker, made when a cluster that has one is first asked for something. */
export class ClusterGuards {
  readonly #counters: InFlightCounters;
  readonly #now: () => number;
  readonly #guards = new Map<string, ClusterGuard>();
  #made = 0;

  /** `now`: monotonic milliseconds. */
  constructor(counters: InFlightCounters, now: () => number) {
    this.#counters = counters;
    this.#now = now;
  }

  /** Undefined for a cluster without limits, which is most of them. */
  of(config: Cluster): ClusterGuard | undefined {
    if (!isGuarded(config)) return undefined;
    const known = this.#guards.get(config.name);
    if (known !== undefined) {
      known.configure(config);
      return known;
    }
    // A request that was on its way when its cluster left: nobody would take the guard away again.
    if (this.#counters.knownSlot(guardKey(config.name, 'requests')) === undefined) return undefined;
    const guard = new ClusterGuard(++this.#made, config, this.#counters, this.#now);
    this.#guards.set(config.name, guard);
    return guard;
  }

  onTick(): void {
    for (const guard of this.#guards.values()) guard.onTick();
  }

  /** Clusters have changed: what has none any more gives its counters back. Requests under way keep their guard. */
  apply(clusters: ReadonlyMap<string, Cluster | undefined>): void {
    for (const [name, config] of clusters) {
      const guard = this.#guards.get(name);
      if (config !== undefined && isGuarded(config)) {
        // Before the next request comes: those that wait may have more room, or none to wait for.
        guard?.configure(config);
        continue;
      }
      if (guard === undefined) continue;
      this.#guards.delete(name);
      guard.open();
      for (const count of guardedCounts) this.#counters.forget(guardKey(name, count));
    }
  }
}
