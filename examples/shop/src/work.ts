// Work that only so many requests of a pod can have at a time, as with a pool of connections to a database.
// Knows nothing of what is asked for; knobs.ts says how long it takes.
import { knobs } from './knobs.ts';

let busy = 0;
const waiting: (() => void)[] = [];

/**
 * Waits for a free slot, and holds it for the time that work takes. First come, first served; nobody works for a client
 * who has `left` meanwhile, or a pod with a backlog would go on being late for ever.
 */
export async function work(left: () => boolean): Promise<void> {
  if (busy >= knobs.workSlots) await new Promise<void>((resolve) => waiting.push(resolve));
  else busy++;
  if (!left()) await new Promise((resolve) => setTimeout(resolve, knobs.workMs));
  // The slot goes to whoever has waited longest; it never was free in between.
  const next = waiting.shift();
  if (next === undefined) busy--;
  else next();
}
