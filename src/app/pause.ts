// A wait that a signal cuts short.
// Unlike the clock's timers it keeps the process alive: a command that waits has not ended.
import { setTimeout } from 'node:timers/promises';

/** Resolves after `ms`, or as soon as the signal comes; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
