// What happens next in simulated time: a binary heap by time.
// Knows nothing of what happens.

export class EventQueue<E> {
  readonly #heap: { readonly time: number; readonly event: E }[] = [];

  add(time: number, event: E): void {
    const heap = this.#heap;
    const entry = { time, event };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.time <= time) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Infinite when nothing is to come. */
  nextTime(): number {
    return this.#heap[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  take(): E | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.event;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below === undefined) break;
      if (right !== undefined && right.time < below.time) {
        below = right;
        child++;
      }
      if (below.time >= last.time) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first.event;
  }
}
