// The probes at hand: what some targets looked like a moment ago, and which of them is best.
// Bounded in number, age and use; knows places, not targets, and takes no probe itself. Allocates nothing as it goes.

/** A probe older than this says nothing of now. */
const MAX_AGE_MS = 1_000;

export class ProbePool {
  /** A table of probes by column, oldest first. */
  readonly #places: Float64Array;
  readonly #times: Float64Array;
  readonly #loads: Float64Array;
  readonly #latencies: Float64Array;
  readonly #usesLeft: Float64Array;
  readonly #size: number;
  #count = 0;
  #dropsOldest = false;

  constructor(size: number) {
    const column = (): Float64Array => new Float64Array(size);
    this.#size = size;
    this.#places = column();
    this.#times = column();
    this.#loads = column();
    this.#latencies = column();
    this.#usesLeft = column();
  }

  get count(): number {
    return this.#count;
  }

  /**
   * In a full pool the oldest makes room. Older probes of the same target stay, as the heavier are probed more often
   * and are to be used more often, but learn what the new one saw. `load` is what is in flight for the target's weight.
   */
  add(place: number, now: number, load: number, latencyMs: number, uses: number): void {
    for (let at = 0; at < this.#count; at++) {
      if (this.#places[at] !== place) continue;
      this.#loads[at] = load;
      this.#latencies[at] = latencyMs;
    }
    if (this.#count === this.#size) this.#remove(0);
    const last = this.#count++;
    this.#places[last] = place;
    this.#times[last] = now;
    this.#loads[last] = load;
    this.#latencies[last] = latencyMs;
    this.#usesLeft[last] = uses;
  }

  expire(now: number): void {
    while (this.#count > 0 && now - (this.#times[0] ?? 0) > MAX_AGE_MS) this.#remove(0);
  }

  /**
   * The hot-cold rule: the fastest of the cold ones, those with no more than `hotLoad`; if all are hot, the least
   * loaded. Among equals the oldest. Which probe of the pool that is; -1 when `usable` refuses the places of all.
   */
  best(hotLoad: number, usable: (place: number) => boolean): number {
    let best = -1;
    for (let at = 0; at < this.#count; at++) {
      if (usable(this.placeOf(at)) && (best < 0 || this.#isBetter(at, best, hotLoad))) best = at;
    }
    return best;
  }

  placeOf(probe: number): number {
    return this.#places[probe] ?? -1;
  }

  /** A request of this load goes to the target of the probe, which is not asked for its load again. */
  use(probe: number, load: number): void {
    const place = this.#places[probe];
    for (let at = 0; at < this.#count; at++) {
      if (this.#places[at] === place) this.#loads[at] = (this.#loads[at] ?? 0) + load;
    }
    const left = (this.#usesLeft[probe] ?? 0) - 1;
    this.#usesLeft[probe] = left;
    if (left <= 0) this.#remove(probe);
  }

  /** Drops the oldest and the worst in turn: good probes are used up, so that without this the bad would pile up. */
  drop(hotLoad: number): void {
    this.#dropsOldest = !this.#dropsOldest;
    if (this.#count === 0) return;
    let worst = 0;
    for (let at = 1; !this.#dropsOldest && at < this.#count; at++) if (this.#isBetter(worst, at, hotLoad)) worst = at;
    this.#remove(worst);
  }

  /** A copy with the places that stay, under their new numbers; `move` yields -1 for one that goes. */
  moved(move: (place: number) => number): ProbePool {
    const copy = new ProbePool(this.#size);
    copy.#dropsOldest = this.#dropsOldest;
    for (let at = 0; at < this.#count; at++) {
      const place = move(this.placeOf(at));
      if (place < 0) continue;
      const last = copy.#count++;
      copy.#places[last] = place;
      copy.#times[last] = this.#times[at] ?? 0;
      copy.#loads[last] = this.#loads[at] ?? 0;
      copy.#latencies[last] = this.#latencies[at] ?? 0;
      copy.#usesLeft[last] = this.#usesLeft[at] ?? 0;
    }
    return copy;
  }

  /** Hot is worse than cold; of the hot the load counts, of the cold the latency. */
  #isBetter(a: number, b: number, hotLoad: number): boolean {
    const loadOfA = this.#loads[a] ?? 0;
    const loadOfB = this.#loads[b] ?? 0;
    const hot = loadOfA > hotLoad;
    if (hot !== loadOfB > hotLoad) return !hot;
    return hot ? loadOfA < loadOfB : (this.#latencies[a] ?? 0) < (this.#latencies[b] ?? 0);
  }

  #remove(probe: number): void {
    const last = --this.#count;
    for (let at = probe; at < last; at++) {
      this.#places[at] = this.#places[at + 1] ?? 0;
      this.#times[at] = this.#times[at + 1] ?? 0;
      this.#loads[at] = this.#loads[at + 1] ?? 0;
      this.#latencies[at] = this.#latencies[at + 1] ?? 0;
      this.#usesLeft[at] = this.#usesLeft[at + 1] ?? 0;
    }
  }
}
