// How long to wait before trying again: exponential, capped, jittered; and the wait itself.
// Knows nothing of what is tried.
import type { Clock } from './clock.ts';

export interface BackoffOptions {
  /** First delay in milliseconds. */
  readonly baseMs: number;
  /** No delay is longer than this, jitter aside. */
  readonly capMs: number;
  readonly factor?: number;
  /** Share of the delay that is added at random, 0 to 1; default 0. */
  readonly jitter?: number;
  readonly random?: () => number;
}

/** Delay in milliseconds before attempt `failures + 1`, where `failures` counts from 1. */
export function backoffDelay(failures: number, options: BackoffOptions): number {
  const { baseMs, capMs, factor = 2, jitter = 0, random = Math.random } = options;
  // The exponent is bounded so that a long outage does not overflow into Infinity * 0.
  const delay = Math.min(capMs, baseMs * factor ** Math.min(Math.max(0, failures - 1), 64));
  return delay * (1 + jitter * random());
}

/** Resolves after `ms`, or at once when the signal aborts; never rejects. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
