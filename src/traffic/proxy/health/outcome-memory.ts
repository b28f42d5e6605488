// How attempts went, in memory that every worker writes and the engine reads: runs of failures, and sums.
// Knows neither settings nor ejections; endpoints are slots, the same as for in-flight counts.

import { RUNS } from '#traffic/balancer/outlier/outcome.ts';
import { MAX_SLOTS } from '../workers/in-flight.ts';

/** Cells a slot: requests, failures, milliseconds of the answered ones. Written by one worker each, so without a lock. */
const SUMS = 3;
const RUN_CELLS = MAX_SLOTS * RUNS.length;
const RUN_BYTES = RUN_CELLS * Int32Array.BYTES_PER_ELEMENT;
const ROW_CELLS = MAX_SLOTS * SUMS;

/** Slots beyond the last count together, so nothing can be said of one endpoint there. */
export function isCounted(slot: number): boolean {
  return slot >= 0 && slot < MAX_SLOTS - 1;
}

/** Virtual until an endpoint is used. */
export function createOutcomeMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(RUN_BYTES + workers * ROW_CELLS * Float64Array.BYTES_PER_ELEMENT);
}

/** Failures in a row over all workers, a cell for each kind of run. */
export class Runs {
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory, 0, RUN_CELLS);
  }

  /** The run after one more failure. */
  lengthen(slot: number, run: number): number {
    return Atomics.add(this.#cells, slot * RUNS.length + run, 1) + 1;
  }

  end(slot: number, run: number): void {
    const cell = slot * RUNS.length + run;
    // Nearly always nought: a plain read costs next to nothing, and leaves the cache line with all workers.
    if (this.#cells[cell] !== 0) Atomics.store(this.#cells, cell, 0);
  }

  clear(slot: number): void {
    for (let run = 0; run < RUNS.length; run++) this.end(slot, run);
  }
}

/** One worker's sums. */
export class OutcomeRow {
  readonly #cells: Float64Array;

  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#cells = rowOf(memory, worker);
  }

  add(slot: number, failed: boolean, latencyMs: number): void {
    const at = slot * SUMS;
    (this.#cells[at] as number) += 1;
    if (failed) (this.#cells[at + 1] as number) += 1;
    else (this.#cells[at + 2] as number) += latencyMs;
  }
}

export interface Sums {
  readonly requests: number;
  readonly failures: number;
  readonly latencyMs: number;
}

/** Everybody's sums. They only grow; whoever wants an interval takes the difference. */
export class OutcomeTotals {
  readonly #rows: readonly Float64Array[];

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.#rows = Array.from({ length: workers }, (_, worker) => rowOf(memory, worker));
  }

  of(slot: number): Sums {
    const at = slot * SUMS;
    const sum = (cell: number): number => this.#rows.reduce((total, row) => total + (row[at + cell] ?? 0), 0);
    return { requests: sum(0), failures: sum(1), latencyMs: sum(2) };
  }
}

function rowOf(memory: SharedArrayBuffer, worker: number): Float64Array {
  return new Float64Array(memory, RUN_BYTES + worker * ROW_CELLS * Float64Array.BYTES_PER_ELEMENT, ROW_CELLS);
}
