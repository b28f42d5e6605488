// What layer-4 listeners share: the tables in force, the counters, the clock; and where each of them leads.
// Types only; knows neither Services nor gateways.

import type { Logger } from '#lib/log.ts';
import type { ClusterEntry, EngineTarget, Snapshot } from '#traffic/snapshot/index.ts';
import type { ClusterGuards } from '../guards/cluster-guard.ts';
import type { HoldStats } from '../guards/hold.ts';
import type { WaitingRoom } from '../guards/waiting-room.ts';
import type { AttemptRecorder } from '../http/context.ts';
import type { Sweeper } from '../sweeper.ts';

/** Why a connection or session was not carried, or that it was. */
export type FlowOutcome = 'connected' | 'no_endpoint' | 'connect_failed' | 'overflow';

export interface FlowStats {
  /** `route` is `FlowRoute.name`. */
  tcpOpened(route: string, outcome: FlowOutcome): void;
  tcpClosed(route: string): void;
  /** The endpoint has taken a connection. */
  tcpJoined(cluster: string, target: EngineTarget): void;
  udpOpened(route: string, outcome: FlowOutcome): void;
  udpClosed(route: string): void;
  /** Connections and sessions count as in flight on their endpoint. */
  endpointBusy(key: string, delta: 1 | -1): void;
}

export interface FlowContext {
  /** The tables in force now. */
  snapshot(): Snapshot;
  readonly stats: FlowStats;
  readonly guards: ClusterGuards;
  /** Where TCP connections wait for the first endpoint of a cluster that says so. */
  readonly waitingRoom: WaitingRoom;
  readonly holdStats: HoldStats;
  /** Learns whether endpoints take connections. */
  readonly outcomes: AttemptRecorder;
  readonly sweeper: Sweeper;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Where connections and sessions lead: a port of a Service, or a route of the gateway. */
export interface FlowRoute {
  /** For metrics. */
  readonly name: string;
  /** Milliseconds a UDP session that was answered lives without a datagram, unless its cluster says otherwise. */
  readonly sessionTimeout: number;
  /** Name of the cluster for a new flow; it stays with it, whatever endpoints are tried. */
  pickCluster(): string | undefined;
  /** The endpoint for a flow of `client`, none of `tried`; undefined when none is usable. */
  choose(cluster: ClusterEntry, client: string, tried: readonly EngineTarget[], now: number): EngineTarget | undefined;
}

/** What the cluster's policy says; none that was tried before. */
export function pickTarget(
  cluster: ClusterEntry,
  client: string,
  tried: readonly EngineTarget[],
  now: number,
): EngineTarget | undefined {
  const pick = cluster.picker.pick({ clientAddress: client, hashKey: '', now, tried });
  return pick.type === 'none' || tried.includes(pick.target) ? undefined : pick.target;
}
