// How much of what costs this side more than the peer is taken: a budget that fills again with time and with work.
// Knows nothing of frames; who counts what says it.

export class FloodGuard {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at = 0;

  /** Takes `burst` at once, and `perSecond` in the long run. */
  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** False when the peer has gone too far. */
  spend(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) * this.#perSecond) / 1000) - 1;
    this.#at = now;
    return this.#left >= 0;
  }

  /** Work was done that justifies `count` more. */
  earn(count: number): void {
    const left = this.#left + count;
    this.#left = Math.min(left, this.#burst);
  }
}
