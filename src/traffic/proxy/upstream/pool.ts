// Keep-alive connections to the endpoints, newest first, and who of them may be trusted with which request.
// Knows nothing of requests beyond "may it be sent twice".

import type { Cluster } from '#traffic/model/ir.ts';
import type { EngineTarget } from '#traffic/snapshot/index.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { Http1Upstream } from '../http1/upstream.ts';

export interface PoolSettings {
  /** Idle connections kept per endpoint and worker. */
  readonly maxIdle: number;
  /** Milliseconds a connection may idle when the backend names no time-out. Node.js backends close after 5 s. */
  readonly idleTimeout: number;
  /**
   * Milliseconds of idling after which a connection no longer gets a request that may not be sent twice: the longer
   * it idled, the likelier the backend is closing it just now, and such a request could not be retried.
   */
  readonly unsafeIdle: number;
}

/** How long picks avoid an endpoint that refused a connection, in milliseconds. */
const REFUSED_FOR = 1000;
const nobody: readonly EngineTarget[] = [];

export const defaultPoolSettings: PoolSettings = { maxIdle: 256, idleTimeout: 4000, unsafeIdle: 1000 };

/** Where this endpoint's counts lie, for the last cluster and pod it was counted under. */
export interface EndpointCells {
  readonly cluster: string;
  readonly pod: string;
  /** Of the counting memory; other cells may lie here in a later one. */
  readonly generation: number;
  readonly duration: number;
  /** Cell by first digit of the status. */
  readonly classes: number[];
}

/** One endpoint of this worker: its idle connections, its counters. */
export class EndpointPool {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** `namespace/pod`, as last published. */
  pod: string;
  readonly slot: number;
  /** Monotonic milliseconds until which picks should avoid it, because it refused a connection. */
  refusedUntil = 0;
  retired = false;
  cells: EndpointCells | undefined;
  readonly settings: PoolSettings;
  readonly #idle: Http1Upstream[] = [];
  readonly #limits: HttpLimits;

  constructor(target: EngineTarget, slot: number, settings: PoolSettings, limits: HttpLimits) {
    this.key = target.key;
    this.address = target.address;
    this.port = target.port;
    this.pod = target.endpoint.pod;
    this.slot = slot;
    this.settings = settings;
    this.#limits = limits;
  }

  /** A connection for one request; `fresh` asks for one that has never been idle. */
  take(repeatable: boolean, fresh: boolean, now: number): Http1Upstream {
    if (!fresh) {
      const idle = this.#idle;
      while (idle.length > 0) {
        const connection = idle[idle.length - 1] as Http1Upstream;
        const age = now - connection.idleSince;
        if (connection.closed || age > this.#idleLimit(connection)) {
          idle.pop();
          connection.destroy();
        } else if (!repeatable && age > this.settings.unsafeIdle) {
          // Newest first: every other one has idled longer.
          break;
        } else {
          idle.pop();
          return connection;
        }
      }
    }
    return new Http1Upstream(this, this.#limits);
  }

  put(connection: Http1Upstream, now: number): void {
    connection.reused = true;
    connection.idleSince = now;
    if (this.retired || this.#idle.length >= this.settings.maxIdle) connection.destroy();
    else this.#idle.push(connection);
  }

  forget(connection: Http1Upstream): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes what has idled too long; the oldest stand at the front. */
  sweep(now: number): void {
    const expired = this.#idle.filter((connection) => now - connection.idleSince > this.#idleLimit(connection));
    for (const connection of expired) connection.destroy();
  }

  /** The endpoint is gone: idle connections close now, busy ones after their response. */
  retire(): void {
    this.retired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** A backend that names its own time-out is left at least half of it, or a second, before that. */
  #idleLimit(connection: Http1Upstream): number {
    const seconds = connection.head.keepAliveSeconds;
    return seconds === 0 ? this.settings.idleTimeout : Math.max(seconds * 1000 - 1000, seconds * 500);
  }
}

/** Every endpoint this worker has talked to. */
export class UpstreamPools {
  readonly #pools = new Map<string, EndpointPool>();
  readonly #settings: PoolSettings;
  readonly #limits: HttpLimits;
  readonly #slotOf: (key: string) => number;
  #refusedUntil = 0;

  constructor(slotOf: (key: string) => number, limits: HttpLimits, settings = defaultPoolSettings) {
    this.#slotOf = slotOf;
    this.#limits = limits;
    this.#settings = settings;
  }

  /** `cluster` says how its endpoints are spoken to. */
  of(target: EngineTarget, _cluster: Cluster): EndpointPool {
    const known = this.#pools.get(target.key);
    if (known !== undefined) return known;
    const pool = new EndpointPool(target, this.#slotOf(target.key), this.#settings, this.#limits);
    this.#pools.set(target.key, pool);
    return pool;
  }

  /** Picks avoid the endpoint for a moment, while others remain: it has just refused a connection. */
  refuse(pool: EndpointPool, now: number): void {
    pool.refusedUntil = now + REFUSED_FOR;
    this.#refusedUntil = pool.refusedUntil;
  }

  /** Those of `targets` that refused a connection a moment ago; nearly always none. */
  refused(targets: readonly EngineTarget[], now: number): readonly EngineTarget[] {
    if (now >= this.#refusedUntil) return nobody;
    return targets.filter((target) => (this.#pools.get(target.key)?.refusedUntil ?? 0) > now);
  }

  /** The pool that was retired, if this worker had one. */
  retire(key: string): EndpointPool | undefined {
    const pool = this.#pools.get(key);
    pool?.retire();
    this.#pools.delete(key);
    return pool;
  }

  onTick(now: number): void {
    for (const pool of this.#pools.values()) pool.sweep(now);
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.retire();
    this.#pools.clear();
  }
}
