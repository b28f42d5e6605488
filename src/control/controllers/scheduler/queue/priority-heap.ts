// Keys in the order in which they are to be worked on: higher priority first, then as they came.
// Pure; knows nothing of pods.

interface Entry {
  readonly key: string;
  readonly priority: number;
  readonly seq: number;
}

export class PriorityHeap {
  readonly #entries: Entry[] = [];
  /** The entry that counts for each key; others are leftovers. */
  readonly #current = new Map<string, Entry>();
  #seq = 0;

  get size(): number {
    return this.#current.size;
  }

  /** A key that is there keeps its turn, unless its priority has changed. */
  push(key: string, priority: number): void {
    const known = this.#current.get(key);
    if (known?.priority === priority) return;
    const entry = { key, priority, seq: known?.seq ?? this.#seq++ };
    this.#current.set(key, entry);
    this.#entries.push(entry);
    this.#up(this.#entries.length - 1);
  }

  delete(key: string): void {
    this.#current.delete(key);
    if (this.#current.size === 0) this.#entries.length = 0;
  }

  pop(): string | undefined {
    for (;;) {
      const top = this.#take();
      if (top === undefined) return undefined;
      if (this.#current.get(top.key) !== top) continue;
      this.#current.delete(top.key);
      return top.key;
    }
  }

  #take(): Entry | undefined {
    const top = this.#entries[0];
    const last = this.#entries.pop();
    if (top === undefined || last === undefined || this.#entries.length === 0) return top;
    this.#entries[0] = last;
    this.#down(0);
    return top;
  }

  #up(from: number): void {
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfBefore(i, parent)) return;
      i = parent;
    }
  }

  #down(from: number): void {
    for (let i = from; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let first = i;
      if (this.#before(left, first)) first = left;
      if (this.#before(right, first)) first = right;
      if (first === i) return;
      this.#swapIfBefore(first, i);
      i = first;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#entries[a], this.#entries[b]];
    if (x === undefined || y === undefined) return false;
    return x.priority !== y.priority ? x.priority > y.priority : x.seq < y.seq;
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [x, y] = [this.#entries[a], this.#entries[b]];
    if (x === undefined || y === undefined || !this.#before(a, b)) return false;
    this.#entries[a] = y;
    this.#entries[b] = x;
    return true;
  }
}
