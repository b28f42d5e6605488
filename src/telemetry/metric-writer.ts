// Counts in memory that another thread reads: an increment is one addition, no message, no lock.
// One writer per thread and memory; knows nothing of how the numbers are shown.

import { bucketOf, FINITE_BUCKETS } from './buckets.ts';
import { type MetricDefinition, OVERFLOW_LABEL, type Series } from './series.ts';

/** Cells of a histogram: the finite buckets, the one beyond, the sum in seconds. */
export const HISTOGRAM_CELLS = FINITE_BUCKETS + 2;

/** Cells of one size that rest before the first is used again. */
const REUSE_BEYOND = 16;

/** A 64-bit float is written whole on every platform Node.js runs on, so the reader sees no torn value. */
export class MetricWriter {
  readonly #cells: Float64Array;
  readonly #announce: (series: Series) => void;
  /** Grows with each release: a cell that was kept from before has to be asked for again. */
  generation = 0;
  readonly #series = new Map<string, Map<string, number>>();
  /** Cells given back, by size, oldest first. */
  readonly #free = new Map<number, number[]>();
  /** Cell 0 takes what no memory is left for. */
  #next = HISTOGRAM_CELLS;

  /** `announce` tells the reading thread of each new series, once, before its first count. */
  constructor(memory: SharedArrayBuffer, announce: (series: Series) => void) {
    this.#cells = new Float64Array(memory);
    this.#announce = announce;
  }

  /** The cell of a label set; ask once and keep it. */
  cell(metric: MetricDefinition, labels: readonly string[]): number {
    let known = this.#series.get(metric.name);
    if (known === undefined) {
      known = new Map();
      this.#series.set(metric.name, known);
    }
    const key = labels.join('\0');
    const cell = known.get(key);
    if (cell !== undefined) return cell;
    if (known.size >= metric.maxSeries && labels.some((label) => label !== OVERFLOW_LABEL)) {
      return this.cell(
        metric,
        labels.map(() => OVERFLOW_LABEL),
      );
    }
    const size = metric.type === 'histogram' ? HISTOGRAM_CELLS : 1;
    const created = this.#allocate(size);
    if (created === 0) return 0;
    known.set(key, created);
    this.#announce({ metric: metric.name, labels, cell: created });
    return created;
  }

  /** Gives back every series of `metric` whose labels `match`: what they counted has left for good. */
  release(metric: MetricDefinition, match: (labels: readonly string[]) => boolean): void {
    const known = this.#series.get(metric.name);
    if (known === undefined) return;
    const size = metric.type === 'histogram' ? HISTOGRAM_CELLS : 1;
    for (const [key, cell] of known) {
      const labels = key.split('\0');
      if (!match(labels)) continue;
      known.delete(key);
      this.generation++;
      this.#announce({ metric: metric.name, labels, cell, ended: true });
      this.#cells.fill(0, cell, cell + size);
      const free = this.#free.get(size) ?? [];
      free.push(cell);
      this.#free.set(size, free);
    }
  }

  /** New cells, or the ones given back longest ago; 0 when there are none. */
  #allocate(size: number): number {
    const free = this.#free.get(size);
    // A reader may still be at work on what was given back just now.
    if (free !== undefined && free.length > REUSE_BEYOND) return free.shift() as number;
    if (this.#next + size > this.#cells.length) return free?.shift() ?? 0;
    const created = this.#next;
    this.#next += size;
    return created;
  }

  add(cell: number, amount: number): void {
    (this.#cells[cell] as number) += amount;
  }

  /** For gauges that one thread alone measures. */
  set(cell: number, value: number): void {
    this.#cells[cell] = value;
  }

  /** Adds a duration in milliseconds to the histogram at `cell`. */
  observe(cell: number, milliseconds: number): void {
    const cells = this.#cells;
    (cells[cell + bucketOf(milliseconds)] as number) += 1;
    (cells[cell + FINITE_BUCKETS + 1] as number) += milliseconds / 1000;
  }
}
