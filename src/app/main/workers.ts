// How many threads carry traffic when nobody says.
// Knows the machine only.
import { availableParallelism } from 'node:os';

/** One thread keeps up with thousands of requests a second; more only where there are cores to spare. */
export function defaultWorkers(): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2)));
}
