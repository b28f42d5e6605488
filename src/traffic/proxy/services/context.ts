// What the layer-4 drivers share: the tables in force, the counters, the clock.
// Types and one choice; knows nothing of sockets.

import type { Logger } from '#lib/log.ts';
import type { ServicePort } from '#traffic/model/ir.ts';
import type { EngineTarget, Snapshot } from '#traffic/snapshot/index.ts';
import type { AttemptRecorder } from '../http/context.ts';
import type { Sweeper } from '../sweeper.ts';
import type { AffinityTable } from './affinity.ts';

export interface ServiceStats {
  tcpOpened(service: string, outcome: 'connected' | 'no_endpoint' | 'connect_failed'): void;
  tcpClosed(service: string): void;
  /** The endpoint has taken a connection. */
  tcpJoined(cluster: string, target: EngineTarget): void;
  udpOpened(service: string, outcome: 'connected' | 'no_endpoint'): void;
  udpClosed(service: string): void;
  /** Connections and sessions count as in flight on their endpoint. */
  endpointBusy(key: string, delta: 1 | -1): void;
}

export interface ServiceContext {
  /** The tables in force now. */
  snapshot(): Snapshot;
  readonly stats: ServiceStats;
  /** Learns whether endpoints take connections. */
  readonly outcomes: AttemptRecorder;
  readonly sweeper: Sweeper;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  now(): number;
}

/** The endpoint for a new connection or session of `client`; undefined when none is usable. */
export function chooseTarget(
  context: ServiceContext,
  service: ServicePort,
  affinity: AffinityTable,
  client: string,
  tried: readonly EngineTarget[],
): EngineTarget | undefined {
  const cluster = context.snapshot().cluster(service.cluster);
  if (cluster === undefined) return undefined;
  const now = context.now();
  if (service.affinitySeconds > 0 && tried.length === 0) {
    const key = affinity.find(client, service.affinitySeconds, now);
    const target = key === undefined ? undefined : cluster.targets.find((candidate) => candidate.key === key);
    if (target !== undefined) {
      affinity.remember(client, target.key, now);
      return target;
    }
  }
  const pick = cluster.picker.pick({ clientAddress: client, hashKey: '', now, tried });
  if (pick.type === 'none' || tried.includes(pick.target)) return undefined;
  if (service.affinitySeconds > 0) affinity.remember(client, pick.target.key, now);
  return pick.target;
}
