// Tries again while a server does not answer: it may be starting, or about to be back.
// Knows which failures pass by themselves; nothing of what is tried.
import { StatusError } from '#kube/api/status.ts';
import { backoffDelay, delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';

export interface Patience {
  readonly clock: Clock;
  /** Ends the trying; the last failure is thrown then. */
  readonly signal?: AbortSignal;
  /** Of statuses below 500, those that are tried again besides 429. */
  readonly alsoPassing?: readonly number[];
  /** Called for every failure that is waited out; `failures` counts from 1. */
  readonly onFailure?: (error: unknown, failures: number) => void;
}

/** An API server that starts at the same time is there within a second. */
const TRIES = { baseMs: 50, capMs: 1_000, factor: 1.5 };

/** Throws what the server refuses: that would be the same the next time. */
export async function untilAnswered<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  const { clock, signal, alsoPassing = [], onFailure } = patience;
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StatusError && error.code < 500 && ![429, ...alsoPassing].includes(error.code)) throw error;
      if (signal?.aborted === true) throw error;
      onFailure?.(error, failures);
      await delay(clock, backoffDelay(failures, TRIES), signal);
    }
  }
}
