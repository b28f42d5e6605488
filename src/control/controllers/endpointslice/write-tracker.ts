// Remembers the slices just written until the informer shows them, so that nothing is decided on an older copy.
// Knows nothing of endpoints. Upstream: endpointslicetracker.
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Clock } from '#lib/clock.ts';

/** What the informer has not shown by then was made and unmade while it was not watching. */
const EXPIRY_MS = 30_000;

interface Write {
  /** Generation that the slice had after our write; undefined when we removed it. */
  readonly generation: number | undefined;
  readonly at: number;
}

export class WriteTracker {
  readonly #clock: Clock;
  readonly #byService = new Map<string, Map<string, Write>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wrote(service: string, slice: EndpointSlice): void {
    this.#of(service).set(slice.metadata?.uid ?? '', {
      generation: slice.metadata?.generation ?? 0,
      at: this.#clock.now(),
    });
  }

  removed(service: string, slice: EndpointSlice): void {
    this.#of(service).set(slice.metadata?.uid ?? '', { generation: undefined, at: this.#clock.now() });
  }

  /** Whether `seen`, the Service's slices in the informer, include everything we wrote. Forgets what is seen. */
  caughtUp(service: string, seen: readonly EndpointSlice[]): boolean {
    const writes = this.#byService.get(service);
    if (writes === undefined) return true;
    const generations = new Map(seen.map((slice) => [slice.metadata?.uid ?? '', slice.metadata?.generation ?? 0]));
    for (const [uid, { generation, at }] of writes) {
      const shown = generations.get(uid);
      const done = generation === undefined ? shown === undefined : shown !== undefined && shown >= generation;
      if (done || this.#clock.now() - at > EXPIRY_MS) writes.delete(uid);
    }
    return writes.size === 0;
  }

  /** The informer has shown that the slice is gone, whoever removed it. */
  gone(service: string, slice: EndpointSlice): void {
    this.#byService.get(service)?.delete(slice.metadata?.uid ?? '');
  }

  forget(service: string): void {
    this.#byService.delete(service);
  }

  #of(service: string): Map<string, Write> {
    let writes = this.#byService.get(service);
    if (writes === undefined) {
      writes = new Map();
      this.#byService.set(service, writes);
    }
    return writes;
  }
}
