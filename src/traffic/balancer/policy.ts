// What a policy's folder hands to the registry: how its settings are read, and how its balancer is made.
// Knows no policy; what several of them need stands here and in weighted-draw.ts.
import type { Balancer, Pick, Random, Target } from './balancer.ts';

export interface BalancerDeps {
  readonly random: Random;
}

export interface Policy<Config extends { readonly type: string }> {
  readonly type: Config['type'];
  /** What the shared contract holds the policy to. */
  readonly promises: {
    /** Idle targets are chosen in proportion to their weight. */
    readonly weights: boolean;
    /** One client always reaches the same target while that target stays. */
    readonly sticky: boolean;
  };
  /** Checks settings that came from outside; throws an error naming field, value and remedy. */
  parse(settings: Readonly<Record<string, unknown>>): Config;
  create<T extends Target>(config: Config, deps: BalancerDeps): Balancer<T>;
}

/** One frozen pick a target, made once an update, so that a pick itself allocates nothing. */
export function picksOf<T extends Target>(targets: readonly T[]): readonly Pick<T>[] {
  return targets.map((target) => Object.freeze({ type: 'target', target }) satisfies Pick<T>);
}

/** The answer of every policy that has no target at all. */
export const noTargets: Pick<never> = Object.freeze({ type: 'none', reason: 'No endpoint is usable' });

/** Refuses settings that a policy does not have, so that a misspelt one is not silently ignored. */
export function onlySettings(
  type: string,
  settings: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  for (const name of Object.keys(settings)) {
    if (name === 'type' || known.includes(name)) continue;
    const remedy = known.length === 0 ? 'it has none' : `use ${known.map((one) => `"${one}"`).join(' or ')}`;
    throw new TypeError(`Balancing policy "${type}" has no setting "${name}": ${remedy}`);
  }
}

/** A number among a policy's settings, `fallback` when left out; throws when it is out of range. */
export function numberSetting(
  type: string,
  settings: Readonly<Record<string, unknown>>,
  name: string,
  fallback: number,
  range: { readonly min: number; readonly max: number; readonly whole?: boolean },
): number {
  const value = settings[name] ?? fallback;
  const { min, max, whole = false } = range;
  if (typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new TypeError(
    `Setting "${name}" of balancing policy "${type}" is "${String(value)}": use a ${whole ? 'whole ' : ''}number from ${min} to ${max}`,
  );
}
