// What the connections of one worker share: the tables in force, the pools, the counters.
// Knows neither sockets nor threads; the worker fills it, and tests can.

import type { Cancel } from '#lib/clock.ts';
import type { AccessRecord } from '#telemetry/access-record.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { ClusterEntry, EngineTarget, RouteEntry, Snapshot } from '#traffic/snapshot/index.ts';
import type { Authorisers } from '../filters/external-auth/authorisers.ts';
import type { Mirrors } from '../filters/mirror/mirrors.ts';
import type { ClusterGuards } from '../guards/cluster-guard.ts';
import type { WaitingRoom } from '../guards/waiting-room.ts';
import type { HttpLimits } from '../http1/limits.ts';
import type { OutBuffer } from '../http1/out-buffer.ts';
import type { Sweeper } from '../sweeper.ts';
import type { EndpointPool } from '../upstream/endpoint-pool.ts';
import type { Failure } from '../upstream/failure.ts';
import type { UpstreamPools } from '../upstream/pools.ts';
import type { Tracer } from './request-trace.ts';

/** Where an exchange reports; every call is on the hot path. Durations are milliseconds. */
export interface HttpStats {
  connectionOpened(listener: string): void;
  connectionClosed(listener: string): void;
  requestStarted(): void;
  /** `route` is undefined when nothing matched, `status` 499 when the client left before an answer. */
  requestDone(
    listener: string,
    route: RouteEntry | undefined,
    status: number,
    duration: number,
    /** Of the trace that tells more of it; undefined when there is none. */
    traceId: string | undefined,
  ): void;
  /** One attempt on one endpoint: `failure` is undefined when a response came to its end. */
  upstreamStarted(pool: EndpointPool): void;
  upstreamDone(
    cluster: string,
    pool: EndpointPool,
    status: number,
    failure: Failure | undefined,
    duration: number,
  ): void;
  retried(cluster: string): void;
  /** A limit of the cluster's kept something from happening: `requests`, `retries`, `retry_budget`, `pending`. */
  overflowed(cluster: string, limit: string): void;
  /** A request waits for the first endpoint of its cluster. */
  heldBegan(cluster: string): void;
  /** It does no longer: `released`, `timeout`, or `abandoned`. */
  heldEnded(cluster: string, outcome: string, duration: number): void;
  /** There was no room for it to wait. */
  heldOverflowed(cluster: string): void;
  /** The proxy answered by itself; `code` is one of few words (`LocalReply.code`). */
  answered(code: string): void;
  /** A response was compressed: payload bytes as they came and as they left. */
  compressed(coding: string, bytesIn: number, bytesOut: number): void;
  /** A copy of a request was not sent, and why. */
  mirrored(cluster: string, outcome: string): void;
  /** One that was, after `upstreamStarted`, has come to its end. */
  mirrorDone(cluster: string, pool: EndpointPool, outcome: string): void;
  /** A question to an authorisation service has come to its end. */
  authorised(cluster: string, outcome: string): void;
  /** One try of it, after `upstreamStarted`. */
  authTryDone(pool: EndpointPool): void;
  /** A message was refused before it had a route. */
  rejected(listener: string, status: number): void;
  /** A client speaks HTTP/2. */
  sessionOpened(listener: string): void;
  sessionClosed(listener: string): void;
  /** An HTTP/2 connection was ended for what the client did: `protocol`, or a kind of flood. */
  sessionFault(listener: string, fault: string): void;
  /** A stream was reset by the `client` or by the `proxy`. */
  streamReset(listener: string, by: 'client' | 'proxy'): void;
}

/** Learns how endpoints fare, to judge their health. On the hot path. */
export interface AttemptRecorder {
  /** `status` is 0 when the attempt failed; `latencyMs` counts up to the response head, or to the failure. */
  record(
    cluster: ClusterEntry,
    target: EngineTarget,
    status: number,
    failure: Failure | undefined,
    latencyMs: number,
  ): void;
}

/** Where lines of the access log go. */
export interface AccessSink {
  /** Whether a line says what only headers tell: reading them costs. */
  readonly readsHeaders: boolean;
  /** Whether a request that ended like this has a line. */
  wants(status: number, durationMs: number): boolean;
  /** Called after the response. */
  write(record: AccessRecord): void;
}

export interface HttpContext {
  snapshot: Snapshot;
  /** Responses say `Connection: close` and idle connections are closed. */
  draining: boolean;
  readonly limits: HttpLimits;
  readonly pools: UpstreamPools;
  readonly guards: ClusterGuards;
  readonly waitingRoom: WaitingRoom;
  readonly mirrors: Mirrors;
  readonly authorisers: Authorisers;
  readonly out: OutBuffer;
  readonly stats: HttpStats;
  /** Undefined when nobody judges. */
  readonly outcomes: AttemptRecorder | undefined;
  readonly sweeper: Sweeper;
  /** Undefined while the access log is off. */
  readonly accessLog: AccessSink | undefined;
  /** Undefined while traces are off. */
  readonly tracer: Tracer | undefined;
  /** Name of the response header that tells the pod; empty when off. */
  readonly servedByHeader: string;
  readonly random: Random;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  wall(): number;
  /** Calls `fn` once after `ms`. */
  after(ms: number, fn: () => void): Cancel;
  /** A request id for a client that sent none. */
  newRequestId(): string;
  isTrusted(address: string): boolean;
  /** Backends are told of clients by `Forwarded` too. */
  readonly forwarded: boolean;
}
