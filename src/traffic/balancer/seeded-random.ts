// Random numbers that are the same in every run: for previews, which must not use up a balancer's own, and for tests.
// Not for secrets, and not for balancing: two workers with one seed would move in step.
import type { Random } from './balancer.ts';

/** Numbers in [0, 1), a linear congruential generator with its low bits mixed in. */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32;
  };
}
