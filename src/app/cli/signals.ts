// Signals that end a command: the first one in order, the second one on the spot.
// Knows no command.

/** One Ctrl-C may arrive twice within this time, milliseconds: from the terminal, and once more from npm. */
const SAME_SIGNAL_MS = 500;

/** Aborts at the first of these signals, after `onFirst`; the second one ends the process on the spot. */
export function signalled(signals: readonly NodeJS.Signals[], onFirst: () => void): AbortSignal {
  const stop = new AbortController();
  let first = 0;
  const onSignal = (): void => {
    if (!stop.signal.aborted) {
      first = performance.now();
      onFirst();
      stop.abort();
    } else if (performance.now() - first > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return stop.signal;
}
