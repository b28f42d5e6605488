// Loaded into a speaker ahead of its own program (`--import`): on SIGUSR2 its main thread does nothing else for a while.
// Stands for a large compilation of Services beside it, or a long collection of garbage.
import { isMainThread } from 'node:worker_threads';

/** Milliseconds: some times the silence after which speakers take each other for dead. */
export const BUSY_MS = 3_000;

if (isMainThread) {
  process.on('SIGUSR2', () => {
    const until = performance.now() + BUSY_MS;
    process.stderr.write('Busy\n');
    while (performance.now() < until);
    process.stderr.write('Idle\n');
  });
}
