// How long a target needs when it has so much in flight, as its answers of late tell.
// What the paper's servers tell their probes, a gateway has to learn from answers; keeps no clock.

/** Counts 0 to 3 each for itself, then one class a doubling. */
const CLASSES = 12;

/** What an answer counts against those before it. */
const WEIGHT = 1 / 8;

export class LatencyByLoad {
  readonly #decayMs: number;
  readonly #values = new Float64Array(CLASSES).fill(-1);
  readonly #at = new Float64Array(CLASSES);

  constructor(decayMs: number) {
    this.#decayMs = decayMs;
  }

  /** An answer with this many requests in flight on the target. */
  observe(latencyMs: number, inFlight: number, now: number): void {
    const at = classOf(inFlight);
    const before = this.#values[at] ?? -1;
    // After a pause the answer tells more than what was known before it.
    const weight = before < 0 ? 1 : Math.max(WEIGHT, 1 - this.#kept(at, now));
    this.#values[at] = before < 0 ? latencyMs : before + weight * (latencyMs - before);
    this.#at[at] = Math.max(this.#at[at] ?? 0, now);
  }

  /**
   * Milliseconds, from the nearest class that is known, the lower of two; -1 when none is. Decays while nothing is
   * heard, so that whoever was slow is tried again.
   */
  estimate(inFlight: number, now: number): number {
    const wanted = classOf(inFlight);
    for (let distance = 0; distance < CLASSES; distance++) {
      const lower = this.#values[wanted - distance] ?? -1;
      if (lower >= 0) return lower * this.#kept(wanted - distance, now);
      const higher = this.#values[wanted + distance] ?? -1;
      if (higher >= 0) return higher * this.#kept(wanted + distance, now);
    }
    return -1;
  }

  #kept(at: number, now: number): number {
    return Math.exp(-Math.max(0, now - (this.#at[at] ?? 0)) / this.#decayMs);
  }
}

function classOf(inFlight: number): number {
  if (inFlight < 4) return Math.max(0, Math.floor(inFlight));
  return Math.min(CLASSES - 1, 33 - Math.clz32(inFlight));
}
