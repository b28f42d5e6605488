// Tells the nodes, in a condition of each pod, when no request reaches it any more: only then may its processes end.
// Knows EndpointSlices and the sink; decides nothing about pods.
import type { Pod, PodCondition } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { TRAFFIC_DRAINED } from '#kube/api/traffic-drained.ts';
import type { Client } from '#kube/client/client.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { TrafficSink } from '#traffic/model/ir.ts';

/** Nobody waits longer for a pod to be idle, in milliseconds; a request that lasts longer ends with its pod. */
const LIMIT_MS = 60_000;

interface PodUse {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Addresses by the slice that lists the pod; a slice where new requests may go to it is in `open`. */
  readonly addresses: Map<string, readonly string[]>;
  readonly open: Set<string>;
  /** What was said last, if anything. */
  said: PodCondition['status'] | undefined;
  waiting: AbortController | undefined;
}

export interface DrainNotesDependencies {
  readonly client: Client;
  readonly sink: TrafficSink;
  readonly clock: Clock;
  readonly log: Logger;
}

export class DrainNotes {
  readonly #deps: DrainNotesDependencies;
  readonly #pods = new Map<string, PodUse>();
  /** Pods whose use may have changed since the last `settle`. */
  readonly #touched = new Set<PodUse>();

  constructor(deps: DrainNotesDependencies) {
    this.#deps = deps;
  }

  /** A slice came, changed or went. */
  see(key: string, now: EndpointSlice | undefined, before: EndpointSlice | undefined): void {
    const listed = new Set<string>();
    for (const { targetRef, conditions, addresses } of now?.endpoints ?? []) {
      const { kind, uid, namespace, name } = targetRef ?? {};
      if (kind !== 'Pod' || uid === undefined || namespace === undefined || name === undefined) continue;
      listed.add(uid);
      const pod = this.#podOf({ uid, namespace, name });
      pod.addresses.set(key, addresses);
      if (conditions?.ready !== false && conditions?.terminating !== true) pod.open.add(key);
      else pod.open.delete(key);
      this.#touched.add(pod);
    }
    for (const { targetRef } of before?.endpoints ?? []) {
      const pod = this.#pods.get(targetRef?.uid ?? '');
      if (pod === undefined || listed.has(pod.uid)) continue;
      pod.addresses.delete(key);
      pod.open.delete(key);
      this.#touched.add(pod);
    }
  }

  /** What `see` was told is published: from here on the sink knows it, or is about to. */
  settle(): void {
    for (const pod of this.#touched) {
      if (pod.open.size > 0) this.#used(pod);
      else if (pod.said !== undefined && pod.waiting === undefined && pod.said !== 'True') void this.#drain(pod);
      if (pod.addresses.size === 0) this.#pods.delete(pod.uid);
    }
    this.#touched.clear();
  }

  stop(): void {
    for (const pod of this.#pods.values()) pod.waiting?.abort();
    this.#pods.clear();
  }

  #podOf(ref: Pick<PodUse, 'uid' | 'namespace' | 'name'>): PodUse {
    let pod = this.#pods.get(ref.uid);
    if (pod === undefined) {
      pod = { ...ref, addresses: new Map(), open: new Set(), said: undefined, waiting: undefined };
      this.#pods.set(ref.uid, pod);
    }
    return pod;
  }

  #used(pod: PodUse): void {
    pod.waiting?.abort();
    pod.waiting = undefined;
    // A pod without the condition is taken for one in use, so the first time nothing need be said.
    if (pod.said === 'True') void this.#say(pod, 'False');
    pod.said = 'False';
  }

  async #drain(pod: PodUse): Promise<void> {
    const { sink, clock, log } = this.#deps;
    const waiting = new AbortController();
    pod.waiting = waiting;
    const late = clock.after(LIMIT_MS, () => waiting.abort());
    try {
      await sink.drained?.([...new Set([...pod.addresses.values()].flat())], waiting.signal);
      if (waiting.signal.aborted) return;
      pod.said = 'True';
      await this.#say(pod, 'True');
    } catch (error) {
      log.warn({ pod: `${pod.namespace}/${pod.name}`, error: (error as Error).message }, 'Cannot tell that it is idle');
    } finally {
      late();
      if (pod.waiting === waiting) pod.waiting = undefined;
    }
  }

  async #say(pod: PodUse, status: PodCondition['status']): Promise<void> {
    const { client, clock } = this.#deps;
    const condition: PodCondition = { type: TRAFFIC_DRAINED, status, lastTransitionTime: timestamp(clock.wall()) };
    const patch = { metadata: { uid: pod.uid }, status: { conditions: [condition] } };
    try {
      await client.patch<Pod>(builtin('Pod'), pod.name, pod.namespace, 'strategic', patch, { subresource: 'status' });
    } catch (error) {
      // Gone, or a namesake has come: there is nobody to tell.
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }
}
