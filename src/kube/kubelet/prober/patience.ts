// How long a probe waits for its answer: time in which this process could not have heard it does not count.
// Knows a clock; nothing of what is asked.
import type { Cancel, Clock } from '#lib/clock.ts';

const PIECES = 20;

/**
 * Calls `expire` once after `timeoutMs`. When the machine had no time for this process meanwhile (many pods start at
 * once), an answer may lie in a socket that nobody has read yet, and timers come before sockets: by one timer a pod
 * that is well would fail. Of such a gap no more than a twentieth of the time counts.
 */
export function patience(clock: Clock, timeoutMs: number, expire: () => void): Cancel {
  let left = PIECES;
  let cancel: Cancel;
  const next = (): void => {
    cancel = clock.after(timeoutMs / PIECES, () => {
      left -= 1;
      if (left === 0) expire();
      else next();
    });
  };
  next();
  return () => cancel();
}
