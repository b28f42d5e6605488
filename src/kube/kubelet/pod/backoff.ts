// Crash-loop and image back-off: 10 s doubling to 5 min, forgotten after 10 min of peace.
// Knows neither pods nor containers; a key is whatever the caller counts by.
import type { Clock } from '#lib/clock.ts';

const INITIAL_MS = 10_000;
const MAX_MS = 300_000;

interface Entry {
  delayMs: number;
  /** Clock time of the last `next`. */
  updated: number;
}

/** (Upstream: client-go/util/flowcontrol/backoff.go with the kubelet's figures.) */
export class Backoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #expired(entry: Entry, eventTime: number): boolean {
    return eventTime - entry.updated > 2 * MAX_MS;
  }

  /** Milliseconds still to wait when the last failure was at `eventTime` (monotonic clock); 0 when it may go on. */
  remaining(key: string, eventTime: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#expired(entry, eventTime)) return 0;
    return Math.max(0, entry.delayMs - (this.#clock.now() - eventTime));
  }

  /** The current delay in milliseconds; 0 before the first failure. */
  delay(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Records one more try after the failure at `eventTime`. */
  next(key: string, eventTime: number): void {
    const entry = this.#entries.get(key);
    const updated = this.#clock.now();
    if (entry === undefined || this.#expired(entry, eventTime)) {
      this.#entries.set(key, { delayMs: INITIAL_MS, updated });
    } else {
      this.#entries.set(key, { delayMs: Math.min(entry.delayMs * 2, MAX_MS), updated });
    }
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}

/** `10s`, `2m40s`, `5m0s`: a delay as Kubernetes prints it. */
export function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
