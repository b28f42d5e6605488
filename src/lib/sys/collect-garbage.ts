// Gives memory back to the machine at a moment that the program chooses, where V8 would see no need to for hours.
// Knows nothing of who asks, nor when it pays.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects everything once: a pause of about a second for each GB in use. For the end of a start, never on a hot path. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect();
}
