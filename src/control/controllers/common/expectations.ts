// Remembers the creations and deletions a controller has asked for until its informer has shown them.
// Without it a controller that reads a copy lagging behind its own writes would do its work twice.
import type { Clock } from '#lib/clock.ts';

/** After so long the informer is believed over the memory: an event may have been lost for a reason unknown to us. */
const EXPIRY_MS = 5 * 60_000;

interface Expected {
  creations: number;
  deletions: Set<string>;
  readonly since: number;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether everything asked for under `key` has been seen, so that its informer can be trusted. */
  satisfied(key: string): boolean {
    const expected = this.#byKey.get(key);
    if (expected === undefined) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.#clock.now() - expected.since > EXPIRY_MS;
  }

  expect(key: string, creations: number, deletions: readonly string[] = []): void {
    this.#byKey.set(key, { creations, deletions: new Set(deletions), since: this.#clock.now() });
  }

  /** Also for a creation that failed or was not tried. */
  created(key: string, count = 1): void {
    const expected = this.#byKey.get(key);
    if (expected !== undefined) expected.creations -= count;
  }

  /** Also for a deletion that failed. Seen twice (marked, then gone) it counts once. */
  deleted(key: string, dependent: string): void {
    this.#byKey.get(key)?.deletions.delete(dependent);
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
