// A point in time that may move closer while others wait for it.
// Knows nothing of containers.
import type { Cancel, Clock } from '#lib/clock.ts';

export class Deadline {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();
  #at: number;
  #cancel: Cancel = () => {};

  /** `at` is clock time (`now()`) in milliseconds. */
  constructor(clock: Clock, at: number) {
    this.#clock = clock;
    this.#at = at;
    this.#arm();
  }

  get remainingMs(): number {
    return Math.max(0, this.#at - this.#clock.now());
  }

  /** Moves it closer; a later time changes nothing. */
  lower(at: number): void {
    if (at < this.#at) this.#move(at);
  }

  /** Makes sure that at least `ms` remain. */
  atLeast(ms: number): void {
    if (this.remainingMs < ms) this.#move(this.#clock.now() + ms);
  }

  /** `true` when `work` came first, `false` when the time passed before. */
  async race(work: Promise<unknown>): Promise<boolean> {
    return await Promise.race([work.then(() => true), this.#wait()]);
  }

  cancel(): void {
    this.#cancel();
  }

  async #wait(): Promise<false> {
    while (this.remainingMs > 0) await new Promise<void>((resolve) => this.#waiters.add(resolve));
    return false;
  }

  #move(at: number): void {
    this.#at = at;
    this.#cancel();
    this.#arm();
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.remainingMs, () => {
      const waiters = [...this.#waiters];
      this.#waiters.clear();
      for (const waiter of waiters) waiter();
      // A timer may fire a fraction early; whoever still has to wait gets another.
      if (this.remainingMs > 0) this.#arm();
    });
  }
}
