// Waits until nothing is asked of an address any more: new requests go elsewhere, and those under way have been answered.
// Knows counters only; who asks, and how long it waits at most, is the caller's matter.
import type { Clock } from '#lib/clock.ts';
import type { SlotTable } from './workers/in-flight.ts';

/** Milliseconds between two looks at the counters. */
const LOOK_MS = 20;

export class DrainWatch {
  readonly #slots: SlotTable;
  readonly #clock: Clock;

  constructor(slots: SlotTable, clock: Clock) {
    this.#slots = slots;
    this.#clock = clock;
  }

  /**
   * The cells of every port of the addresses, as the tables are now. An endpoint that leaves the tables keeps its cell
   * until its last request is over, so they are looked up before it leaves.
   */
  cellsOf(addresses: readonly string[]): number[] {
    return addresses.flatMap((address) => this.#slots.slotsOf(`${address.includes(':') ? `[${address}]` : address}:`));
  }

  /** Resolves when no request is under way in any of the cells, or when `signal` aborts. */
  async quiet(cells: readonly number[], signal: AbortSignal): Promise<void> {
    let busy = cells;
    for (;;) {
      busy = busy.filter((slot) => this.#slots.requests(slot) > 0);
      if (busy.length === 0 || signal.aborted) return;
      await new Promise<void>((resolve) => void this.#clock.after(LOOK_MS, resolve));
    }
  }
}
