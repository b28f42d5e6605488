// How policies answer a preview: chances in proportion to weights, for one certain target, or by trying it out.
// Never used for a pick; knows no policy.
import type { Chance, Picker, PickInput, Target } from './balancer.ts';

/** Enough tries that a share is right within about two percent, and every target of a large fleet shows up. */
const MIN_TRIES = 4096;
const TRIES_PER_TARGET = 16;

/** Chances in proportion to `weightOf` (0: none), over the targets that were not tried while one of those may win. */
export function chancesByWeight<T extends Target>(
  targets: readonly T[],
  tried: readonly Target[],
  weightOf: (target: T, place: number) => number,
): readonly Chance<T>[] {
  const weights = targets.map((target, place) => (tried.includes(target) ? 0 : weightOf(target, place)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0 && tried.length > 0) return chancesByWeight(targets, [], weightOf);
  return targets.map((target, place) => ({ target, share: (weights[place] ?? 0) / total }));
}

/** All requests of this kind go to one target. */
export function certain<T extends Target>(targets: readonly T[], winner: T | undefined): readonly Chance<T>[] {
  return targets.map((target) => ({ target, share: target === winner ? 1 : 0 }));
}

/** Chances as a throw-away picker shows them, which must share nothing with the balancer that changes with a pick. */
export function chancesByTrial<T extends Target>(
  targets: readonly T[],
  picker: Picker<T>,
  input: PickInput,
): readonly Chance<T>[] {
  const tries = Math.max(MIN_TRIES, TRIES_PER_TARGET * targets.length);
  const wins = new Map<T, number>();
  for (let attempt = 0; attempt < tries; attempt++) {
    const pick = picker.pick(input);
    if (pick.type === 'target') wins.set(pick.target, (wins.get(pick.target) ?? 0) + 1);
  }
  return targets.map((target) => ({ target, share: (wins.get(target) ?? 0) / tries }));
}
