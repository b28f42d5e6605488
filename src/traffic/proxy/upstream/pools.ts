// Every endpoint that this worker has talked to, by the transport it was talked to with.
// Knows nothing of connections; a pool of the right kind holds them.

import type { Cluster } from '#traffic/model/ir.ts';
import type { EngineTarget } from '#traffic/snapshot/index.ts';
import type { ClusterGuards } from '../guards/cluster-guard.ts';
import { Http1Pool } from '../http1/connection-pool.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { Http2Pool } from '../http2/session-pool.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import { MAX_SLOTS } from '../workers/in-flight.ts';
import { AvoidedEndpoints } from './avoided-endpoints.ts';
import { defaultPoolSettings, type EndpointPool, type PoolDeps } from './endpoint-pool.ts';
import { plainHttp1, type Transport, transportOf } from './transport.ts';

export class UpstreamPools {
  /** By endpoint: what is spoken to in plain HTTP/1.1, so that the common case is one lookup. */
  readonly #plain = new Map<string, EndpointPool>();
  /** By endpoint, then by transport. */
  readonly #others = new Map<string, Map<string, EndpointPool>>();
  /** Those that refused a connection, or were not heard of. */
  readonly avoided = new AvoidedEndpoints();
  readonly #deps: PoolDeps;
  readonly #slotOf: (key: string) => number | undefined;
  readonly #guards: ClusterGuards;

  /** `slotOf` knows the endpoints that some cluster holds. */
  constructor(
    slotOf: (key: string) => number | undefined,
    guards: ClusterGuards,
    limits: HttpLimits,
    now: () => number,
    settings = defaultPoolSettings,
  ) {
    this.#slotOf = slotOf;
    this.#guards = guards;
    this.#deps = { settings, limits, now };
  }

  /** `cluster` says how its endpoints are spoken to; `client` is whom they are told of, where they are. */
  of(target: EngineTarget, cluster: Cluster, client: SocketPair): EndpointPool {
    const transport = transportOf(cluster, this.#guards);
    const pools = transport === plainHttp1 ? this.#plain : this.#othersOf(target.key);
    const owner = transport.proxyProtocol === undefined ? undefined : client;
    const key = transport === plainHttp1 ? target.key : transport.key + ownerKey(owner);
    const known = pools.get(key);
    if (known !== undefined) return known;
    const slot = this.#slotOf(target.key);
    const pool = this.#create(target, transport, slot ?? MAX_SLOTS - 1, owner);
    // A request that was on its way when its endpoint left: nobody would ever retire a pool that it left behind.
    if (slot === undefined) pool.retire();
    else pools.set(key, pool);
    return pool;
  }

  /** Whether a connection may be opened in `pool`: below the cluster's limit, or in place of one that idles. */
  hasRoom(pool: EndpointPool): boolean {
    const { guard } = pool.transport;
    if (guard === undefined || guard.allowsConnection()) return true;
    for (const pools of this.#others.values()) {
      for (const other of pools.values())
        if (other.transport.key === pool.transport.key && other.evictIdle()) return true;
    }
    return false;
  }

  /** The pools that were retired, if this worker had some. */
  retire(key: string, now: number): readonly EndpointPool[] {
    const pools = this.#all(key);
    for (const pool of pools) {
      if (pool.drainTimeout > 0) pool.drainedAt = now + pool.drainTimeout;
      pool.retire();
    }
    this.#plain.delete(key);
    this.#others.delete(key);
    return pools;
  }

  onTick(now: number): void {
    for (const pool of this.#plain.values()) pool.sweep(now);
    for (const pools of this.#others.values()) {
      for (const [key, pool] of pools) {
        pool.sweep(now);
        // What belonged to a client's connection goes with it, and so does a transport that no cluster uses any more.
        if (pool.connections === 0) pools.delete(key);
      }
    }
  }

  close(): void {
    for (const key of new Set([...this.#plain.keys(), ...this.#others.keys()])) this.retire(key, 0);
  }

  #create(target: EngineTarget, transport: Transport, slot: number, client: SocketPair | undefined): EndpointPool {
    if (transport.protocol === 'http2') return new Http2Pool(target, transport, slot, this.#deps, client);
    return new Http1Pool(target, transport, slot, this.#deps, client);
  }

  #othersOf(key: string): Map<string, EndpointPool> {
    let pools = this.#others.get(key);
    if (pools === undefined) {
      pools = new Map();
      this.#others.set(key, pools);
    }
    return pools;
  }

  #all(key: string): EndpointPool[] {
    const plain = this.#plain.get(key);
    return [...(plain === undefined ? [] : [plain]), ...(this.#others.get(key)?.values() ?? [])];
  }
}

/** Empty where clients share connections. */
function ownerKey(client: SocketPair | undefined): string {
  if (client === undefined) return '';
  const { source, destination } = client;
  return ` ${source.address} ${source.port} ${destination.address} ${destination.port}`;
}
