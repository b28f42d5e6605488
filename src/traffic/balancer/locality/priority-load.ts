// How requests spread over levels of preference: all to the first while it is healthy enough, then overflowing.
// Pure arithmetic after Envoy's priority levels; knows no endpoint.

export interface LevelHealth {
  readonly healthy: number;
  readonly total: number;
}

/** A level overflows when less than 100/140 of it is healthy. */
export const DEFAULT_OVERPROVISIONING = 140;

/** Percent of its share that a level can carry: `min(100, overprovisioning * healthy / total)`, whole, 0 when empty. */
export function levelCapacity({ healthy, total }: LevelHealth, overprovisioning = DEFAULT_OVERPROVISIONING): number {
  if (total === 0) return 0;
  return Math.min(100, Math.floor((overprovisioning * healthy) / total));
}

/** Sum of what all levels can carry, 100 at most: below 100 some level is overloaded, and panic is looked at. */
export function totalCapacity(levels: readonly LevelHealth[], overprovisioning = DEFAULT_OVERPROVISIONING): number {
  return Math.min(
    100,
    levels.reduce((sum, level) => sum + levelCapacity(level, overprovisioning), 0),
  );
}

/**
 * Percent of requests for each level; whole numbers that add up to 100, or all 0 when nobody is healthy. Source:
 * Envoy, priority levels.
 */
export function priorityLoads(
  levels: readonly LevelHealth[],
  overprovisioning = DEFAULT_OVERPROVISIONING,
): readonly number[] {
  const capacities = levels.map((level) => levelCapacity(level, overprovisioning));
  const total = totalCapacity(levels, overprovisioning);
  if (total === 0) return capacities;
  let left = 100;
  const loads = capacities.map((capacity) => {
    const load = Math.min(left, Math.floor((capacity * 100) / total));
    left -= load;
    return load;
  });
  // What rounding left over goes to the nearest level that can take anything.
  const first = capacities.findIndex((capacity) => capacity > 0);
  return loads.map((load, level) => (level === first ? load + left : load));
}

/** Percent of requests for each level by its number of endpoints: when every level panics, all endpoints count alike. */
export function evenLoads(totals: readonly number[]): readonly number[] {
  const sum = totals.reduce((all, total) => all + total, 0);
  if (sum === 0) return totals.map(() => 0);
  const loads = totals.map((total) => Math.floor((total * 100) / sum));
  const left = 100 - loads.reduce((all, load) => all + load, 0);
  const first = totals.findIndex((total) => total > 0);
  return loads.map((load, level) => (level === first ? load + left : load));
}
