// The loads of the probes of late, and the quantile that parts hot from cold.
// Fixed in size, sorted as it goes; knows no target.

const SIZE = 128;

export class LoadWindow {
  readonly #sorted = new Float64Array(SIZE);
  readonly #order = new Float64Array(SIZE);
  #count = 0;
  #next = 0;

  add(load: number): void {
    if (this.#count === SIZE) this.#remove(this.#order[this.#next] ?? 0);
    this.#order[this.#next] = load;
    this.#next = (this.#next + 1) % SIZE;
    let at = this.#count;
    while (at > 0 && (this.#sorted[at - 1] ?? 0) > load) {
      this.#sorted[at] = this.#sorted[at - 1] ?? 0;
      at--;
    }
    this.#sorted[at] = load;
    this.#count++;
  }

  /** The load that this share of the window does not exceed; infinite while it is empty. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.POSITIVE_INFINITY;
    return this.#sorted[Math.min(this.#count - 1, Math.floor(share * this.#count))] ?? 0;
  }

  copy(): LoadWindow {
    const copy = new LoadWindow();
    copy.#sorted.set(this.#sorted);
    copy.#order.set(this.#order);
    copy.#count = this.#count;
    copy.#next = this.#next;
    return copy;
  }

  #remove(load: number): void {
    const at = this.#sorted.indexOf(load);
    this.#sorted.copyWithin(at, at + 1, this.#count);
    this.#count--;
  }
}
