// What an answer takes in the mean of a fleet: the yardstick for failures, and what newcomers are taken for.
// Knows no target and keeps no clock.

/** Share of one answer in the mean. */
const WEIGHT = 1 / 64;

export class FleetLatency {
  #ms: number;

  constructor(initialMs: number) {
    this.#ms = initialMs;
  }

  get ms(): number {
    return this.#ms;
  }

  observe(latencyMs: number): void {
    this.#ms += WEIGHT * (latencyMs - this.#ms);
  }
}
