// What a cluster does while a load runs: replicas of its workloads, and its events, on the time of the run.
// Reads the API and changes nothing; knows nothing of requests.
import { setTimeout } from 'node:timers/promises';
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Event } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';

/** Replicas of one workload from `at` on. */
export interface ReplicaPoint {
  /** Seconds from the start of the run; negative for what was there before. */
  readonly at: number;
  readonly wanted: number;
  readonly ready: number;
}

export interface WorkloadHistory {
  /** `namespace/name`. */
  readonly name: string;
  readonly namespace: string;
  readonly kind: string;
  readonly points: readonly ReplicaPoint[];
}

export interface ClusterEvent {
  readonly at: number;
  readonly namespace: string;
  /** `kind/name`. */
  readonly object: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export interface ClusterHistory {
  readonly workloads: readonly WorkloadHistory[];
  readonly events: readonly ClusterEvent[];
}

type Workload = (Deployment | StatefulSet) & KubeObject;

/** A flood of events must not fill the page; the first ones say how it began. */
const MAX_EVENTS = 2000;
const KINDS = ['Deployment', 'StatefulSet'] as const;

export class ClusterWatch {
  readonly #stop: () => Promise<void>;
  readonly #synced: Promise<void>;
  readonly #clock: Clock;
  readonly #histories = new Map<string, { kind: string; namespace: string; name: string; points: ReplicaPoint[] }>();
  readonly #events: ClusterEvent[] = [];
  #zero: number;

  constructor(client: Client, clock: Clock) {
    this.#clock = clock;
    this.#zero = clock.wall();
    const informers = createInformers(client, { clock, log: silentLogger });
    for (const kind of KINDS) {
      informers.of<Workload>(builtin(kind)).onChange((_, now) => now !== undefined && this.#onWorkload(kind, now));
    }
    informers.of<Event & KubeObject>(builtin('Event')).onChange((_, now) => now !== undefined && this.#onEvent(now));
    informers.start();
    this.#synced = informers.synced();
    this.#stop = () => informers.stop();
  }

  /** Resolves once the state before the run is known; rejects with what keeps it from that after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    const cancel = new AbortController();
    // A timer that keeps the process alive, as nothing else may while the server does not answer.
    const late = setTimeout(timeoutMs, undefined, { signal: cancel.signal }).then(() => {
      throw new Error('the API server did not answer in time');
    });
    try {
      await Promise.race([this.#synced, late]);
    } finally {
      late.catch(() => {});
      cancel.abort();
    }
  }

  /** The run begins now. */
  begin(): void {
    const shift = (this.#clock.wall() - this.#zero) / 1000;
    for (const { points } of this.#histories.values()) {
      for (const [i, point] of points.entries()) points[i] = { ...point, at: point.at - shift };
    }
    this.#zero = this.#clock.wall();
    // What was told before is of before.
    this.#events.length = 0;
  }

  async end(): Promise<ClusterHistory> {
    this.#synced.catch(() => {});
    await this.#stop();
    return { workloads: [...this.#histories.values()], events: this.#events.sort((a, b) => a.at - b.at) };
  }

  #seconds(wall = this.#clock.wall()): number {
    return Math.round(wall - this.#zero) / 1000;
  }

  #onWorkload(kind: string, { metadata, spec, status }: Workload): void {
    const { namespace = '', name = '' } = metadata ?? {};
    const key = `${kind}/${namespace}/${name}`;
    let history = this.#histories.get(key);
    if (history === undefined) {
      history = { kind, namespace, name: `${namespace}/${name}`, points: [] };
      this.#histories.set(key, history);
    }
    const last = history.points.at(-1);
    const [wanted, ready] = [spec?.replicas ?? 1, status?.readyReplicas ?? 0];
    if (last?.wanted !== wanted || last.ready !== ready) history.points.push({ at: this.#seconds(), wanted, ready });
  }

  /** The time is that at which it was seen: events themselves know whole seconds only. */
  #onEvent({ involvedObject, type = 'Normal', reason = '', message = '' }: Event): void {
    if (this.#events.length === MAX_EVENTS) return;
    const { kind = '', name = '', namespace = '' } = involvedObject;
    this.#events.push({ at: this.#seconds(), namespace, object: `${kind}/${name}`, type, reason, message });
  }
}
