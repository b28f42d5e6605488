// The container's own process among those that were needed to start it.
// Knows parents and children; knows no container.
import type { Clock } from '#lib/clock.ts';
import { parentOf, processStats } from './proc.ts';

const STEP_MS = 1;
const ATTEMPTS = 1_000;

/**
 * The child of `parent` that is not `init`, as soon as there is one; `undefined` when the parent is gone. `members` are
 * the pids among which to look; all of the machine's when it has none.
 */
export async function findApp(
  parent: number,
  init: number | undefined,
  members: () => readonly number[],
  alive: () => boolean,
  clock: Clock,
): Promise<number | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS && alive(); attempt += 1) {
    const near = members();
    const all = near.length > 0 ? near : processStats().map((one) => one.pid);
    const found = all.find((pid) => pid !== init && pid !== parent && parentOf(pid) === parent);
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => void clock.after(STEP_MS, resolve));
  }
  return undefined;
}
