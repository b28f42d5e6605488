// The wait of one request or connection for the first endpoint of its cluster, from its first miss to an endpoint or an end.
// Knows the waiting room and who counts; nothing of what is sent.

import type { ClusterEntry } from '#traffic/snapshot/index.ts';
import type { Held, WaitingRoom } from './waiting-room.ts';

/** Told of every wait. */
export interface HoldStats {
  heldBegan(cluster: string): void;
  heldEnded(cluster: string, outcome: string, duration: number): void;
  heldOverflowed(cluster: string): void;
}

/** One per client stream, begun anew with each request; one per TCP connection. */
export class Hold {
  /** Milliseconds that the request has waited, once it does no longer. */
  waitedMs = 0;
  /** Bytes of its body that would be kept. */
  bytes = 0;
  readonly #room: WaitingRoom;
  readonly #stats: HoldStats;
  #one: Held | undefined;
  #cluster = '';
  #since = 0;
  #until = 0;

  constructor(room: WaitingRoom, stats: HoldStats) {
    this.#room = room;
    this.#stats = stats;
  }

  /** A new request, of whose body at most so many bytes are kept while it waits. */
  reset(): void {
    this.waitedMs = 0;
    this.bytes = 0;
  }

  get waits(): boolean {
    return this.#one !== undefined;
  }

  /**
   * Has the request wait for `cluster`, which has no endpoint: `began` (with its time-out to set), `again` when it did
   * before, or `full`; undefined when nothing is held there.
   */
  wait(cluster: ClusterEntry, retry: () => void, now: number): 'began' | 'again' | 'full' | undefined {
    if (this.#one !== undefined) return 'again';
    const { hold, name } = cluster.config;
    if (hold === undefined || cluster.targets.length > 0) return undefined;
    const one: Held = { bytes: this.bytes, retry };
    if (!this.#room.enter(cluster.config, hold, one)) {
      this.#stats.heldOverflowed(name);
      return 'full';
    }
    this.#one = one;
    this.#cluster = name;
    this.#since = now;
    this.#until = now + hold.timeout;
    this.#stats.heldBegan(name);
    return 'began';
  }

  /** There is an endpoint. */
  release(now: number): void {
    this.#end('released', now);
  }

  /** The request is over, or its cluster is gone. */
  leave(now: number): void {
    this.#end(now >= this.#until ? 'timeout' : 'abandoned', now);
  }

  #end(outcome: string, now: number): void {
    if (this.#one === undefined) return;
    this.#room.leave(this.#cluster, this.#one);
    this.#one = undefined;
    this.waitedMs += now - this.#since;
    this.#stats.heldEnded(this.#cluster, outcome, now - this.#since);
  }
}
