// One endpoint, as one worker reaches it by one transport: its connections, its counters.
// Knows nothing of protocols; each brings a pool of its own kind.

import type { EngineTarget } from '#traffic/snapshot/index.ts';
import type { UpstreamStream } from '../http/upstream-stream.ts';
import type { HttpLimits } from '../http1/limits.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import type { Transport } from './transport.ts';

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
  /** Milliseconds an HTTP/2 session may be without a stream. */
  readonly sessionIdle: number;
  /** Milliseconds without a word from the backend after which a new stream on the session brings a ping along. */
  readonly silence: number;
  /** Milliseconds the answer to such a ping may take. */
  readonly pingTimeout: number;
}

export const defaultPoolSettings: PoolSettings = {
  maxIdle: 256,
  idleTimeout: 4000,
  unsafeIdle: 1000,
  sessionIdle: 60_000,
  silence: 10_000,
  pingTimeout: 5000,
};

/** What all pools of a worker have in common. */
export interface PoolDeps {
  readonly settings: PoolSettings;
  readonly limits: HttpLimits;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

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

export abstract class EndpointPool {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly transport: Transport;
  /** Where backends are told of the client, its connections are its own. */
  readonly client: SocketPair | undefined;
  /** Open ones, idle and busy. */
  connections = 0;
  /** `namespace/pod`, as last published. */
  pod: string;
  readonly slot: number;
  retired = false;
  /** Milliseconds that requests under way may take after the endpoint has left; 0 for as long as they need. */
  drainTimeout = 0;
  /** Monotonic milliseconds at which that time is over; 0 before the endpoint leaves. */
  drainedAt = 0;
  cells: EndpointCells | undefined;
  readonly settings: PoolSettings;
  readonly limits: HttpLimits;
  readonly now: () => number;

  constructor(target: EngineTarget, transport: Transport, slot: number, deps: PoolDeps, client?: SocketPair) {
    this.key = target.key;
    this.address = target.address;
    this.port = target.port;
    this.transport = transport;
    this.client = client;
    this.pod = target.endpoint.pod;
    this.slot = slot;
    this.settings = deps.settings;
    this.limits = deps.limits;
    this.now = deps.now;
  }

  /**
   * A stream for one request: `repeatable` tells that the request may be sent twice, `fresh` asks for a connection
   * that has never been idle.
   */
  abstract take(repeatable: boolean, fresh: boolean, now: number): UpstreamStream;

  /** Whether `take` would do without opening a connection. */
  abstract reuses(repeatable: boolean, fresh: boolean, now: number): boolean;

  /** Closes one idle connection, if there is one. */
  abstract evictIdle(): boolean;

  /** Told by each connection when it is opened, and when it is closed. */
  opened(): void {
    this.connections++;
    this.transport.guard?.add('connections', 1);
  }

  closed(): void {
    this.connections--;
    this.transport.guard?.add('connections', -1);
    this.transport.guard?.wake();
  }

  /** Closes what has idled too long. */
  abstract sweep(now: number): void;

  /** Closes what idles, so that whoever comes next finds out with a connection of its own whether the endpoint answers. */
  abstract renew(): void;

  /** The endpoint is gone: idle connections close now, busy ones after their last response. */
  retire(): void {
    this.retired = true;
    this.renew();
  }
}
