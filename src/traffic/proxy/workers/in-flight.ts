// How many requests and flows each endpoint has now, over all workers, in memory they share.
// Each worker writes only its own row, so counting needs no lock; a reader adds the rows up.

import type { EndpointCounters } from '#traffic/snapshot/index.ts';

/** Endpoints that can be counted apart; whatever comes beyond shares the last cell. */
export const MAX_SLOTS = 65_536;

/** A row of everything for each worker, then a row of layer-4 flows alone for each. */
export function createInFlightMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * workers * MAX_SLOTS * Int32Array.BYTES_PER_ELEMENT);
}

/** Hands out slots; lives in the engine, so that every worker uses the same slot for an endpoint. */
export class SlotTable {
  readonly #slots = new Map<string, number>();
  readonly #cells: Int32Array;
  readonly #workers: number;
  #free: number[] = [];
  #next = 0;

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.#cells = new Int32Array(memory);
    this.#workers = workers;
  }

  /** The slot of `key`, and whether it was given out just now. */
  assign(key: string): { readonly slot: number; readonly fresh: boolean } {
    const known = this.#slots.get(key);
    if (known !== undefined) return { slot: known, fresh: false };
    // A slot is used again only after the last request of its former endpoint has counted down.
    const at = this.#free.findIndex((slot) => this.inFlight(slot) === 0);
    const slot = at >= 0 ? (this.#free.splice(at, 1)[0] as number) : Math.min(this.#next++, MAX_SLOTS - 1);
    this.#slots.set(key, slot);
    return { slot, fresh: true };
  }

  release(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    if (slot !== MAX_SLOTS - 1) this.#free.push(slot);
  }

  /** Every key with its slot, for a worker that starts late. */
  entries(): [string, number][] {
    return [...this.#slots];
  }

  slotOf(key: string): number | undefined {
    return this.#slots.get(key);
  }

  inFlight(slot: number): number {
    return sumRows(this.#cells, slot, this.#workers);
  }

  of(key: string): number {
    const slot = this.#slots.get(key);
    return slot === undefined ? 0 : this.inFlight(slot);
  }

  /** Requests in flight, without connections that are only passed on: those may rest for hours. */
  requests(slot: number): number {
    const flows = this.#cells.subarray(this.#workers * MAX_SLOTS);
    return this.inFlight(slot) - sumRows(flows, slot, this.#workers);
  }

  /** Slots of all endpoints whose key begins so. */
  slotsOf(keyPrefix: string): number[] {
    return [...this.#slots].flatMap(([key, slot]) => (key.startsWith(keyPrefix) ? [slot] : []));
  }

  /** A worker has died: what it had in flight is gone with it. */
  clearRow(worker: number): void {
    for (const row of [worker, this.#workers + worker]) this.#cells.fill(0, row * MAX_SLOTS, (row + 1) * MAX_SLOTS);
  }
}

/** A worker's view of the counters. */
export class InFlightCounters implements EndpointCounters {
  readonly #cells: Int32Array;
  readonly #workers: number;
  readonly #row: number;
  readonly #slots = new Map<string, number>();
  readonly #released = new Set<string>();
  readonly #onRelease: (key: string) => void;

  get workers(): number {
    return this.#workers;
  }

  constructor(memory: SharedArrayBuffer, worker: number, workers: number, onRelease: (key: string) => void) {
    this.#cells = new Int32Array(memory);
    this.#workers = workers;
    this.#row = worker * MAX_SLOTS;
    this.#onRelease = onRelease;
  }

  learn(slots: readonly (readonly [string, number])[]): void {
    for (const [key, slot] of slots) this.#slots.set(key, slot);
  }

  slot(key: string): number {
    this.#released.delete(key);
    return this.#slots.get(key) ?? MAX_SLOTS - 1;
  }

  /** Undefined for an endpoint that no cluster holds any more. */
  knownSlot(key: string): number | undefined {
    return this.#slots.get(key);
  }

  inFlight(slot: number): number {
    return sumRows(this.#cells, slot, this.#workers);
  }

  release(key: string): void {
    this.#released.add(key);
    this.#onRelease(key);
  }

  /** Forgets released keys, once the update that released them is wholly applied: it may have taken some back. */
  settle(): void {
    for (const key of this.#released) this.#slots.delete(key);
    this.#released.clear();
  }

  /** The key of a counter that is no endpoint's; its slot may be given to another. */
  forget(key: string): void {
    this.#slots.delete(key);
  }

  add(slot: number, delta: number): void {
    (this.#cells[this.#row + slot] as number) += delta;
  }

  /** A connection that is passed on without a look at what it carries. */
  addFlow(slot: number, delta: number): void {
    this.add(slot, delta);
    (this.#cells[this.#workers * MAX_SLOTS + this.#row + slot] as number) += delta;
  }
}

function sumRows(cells: Int32Array, slot: number, workers: number): number {
  let sum = 0;
  for (let row = 0; row < workers; row++) sum += cells[row * MAX_SLOTS + slot] as number;
  return sum;
}
