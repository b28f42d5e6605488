// Writes what sessions have gathered, once a turn of the event loop: what many streams have to say leaves together.
// Knows nothing of HTTP. Runs behind all reads of the turn, so a lone message waits for nothing.

export interface Flushable {
  /** Writes everything that waits. */
  flushNow(): void;
}

let waiting: Flushable[] = [];

/** Each caller sees to it that it is queued once. */
export function flushLater(session: Flushable): void {
  if (waiting.push(session) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const sessions = waiting;
  waiting = [];
  for (const session of sessions) session.flushNow();
}
