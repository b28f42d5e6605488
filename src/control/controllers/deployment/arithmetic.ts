// The numbers of a rollout: how far each ReplicaSet may grow or shrink now. Upstream: util/deployment_util.go, rolling.go.
// Pure; it sees sizes, not objects.

export type IntOrPercent = number | string | undefined;

/** What the arithmetic needs of a ReplicaSet. */
export interface Size {
  /** spec.replicas */
  readonly replicas: number;
  /** status.availableReplicas */
  readonly available: number;
}

/** `3` or `"25%"` of `total`. An absent value counts as 0; throws when the text is no percentage. */
export function resolve(value: IntOrPercent, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw new Error(`"${value}" is neither an integer nor a percentage; write 1 or "25%"`);
  const exact = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** Surge rounds up, unavailability down; when both come out as 0 a rollout could not move, so one may be unavailable. */
export function fenceposts(
  maxSurge: IntOrPercent,
  maxUnavailable: IntOrPercent,
  desired: number,
): { surge: number; unavailable: number } {
  const surge = resolve(maxSurge, desired, 'up');
  const unavailable = resolve(maxUnavailable, desired, 'down');
  if (surge === 0 && unavailable === 0) return { surge: 0, unavailable: 1 };
  return { surge, unavailable: Math.min(unavailable, desired) };
}

/** Size that the new ReplicaSet should have now: as large as the surge allows beside all the others. */
export function newSetSize(desired: number, surge: number, current: number, totalOfAll: number): number {
  if (current >= desired) return desired;
  const room = desired + surge - totalOfAll;
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/**
 * Sizes for the old ReplicaSets, oldest first, so that at least `desired - unavailable` pods stay available: first what
 * is unhealthy goes, which costs nobody anything, then healthy pods as far as others are available.
 */
export function oldSetSizes(desired: number, unavailable: number, fresh: Size, old: readonly Size[]): number[] {
  const sizes = old.map((set) => set.replicas);
  const minAvailable = desired - unavailable;
  const total = sum(sizes) + fresh.replicas;
  // New pods that are not available yet must be counted as a loss, or a bad rollout would eat the old pods.
  const budget = total - minAvailable - (fresh.replicas - fresh.available);
  if (budget <= 0) return sizes;

  let cleaned = 0;
  old.forEach((set, i) => {
    const unhealthy = Math.min(budget - cleaned, Math.max(0, set.replicas - set.available));
    sizes[i] = set.replicas - unhealthy;
    cleaned += unhealthy;
  });

  let spare = sum(old.map((set) => set.available)) + fresh.available - minAvailable;
  sizes.forEach((size, i) => {
    const down = Math.min(size, Math.max(0, spare));
    sizes[i] = size - down;
    spare -= down;
  });
  return sizes;
}

export interface Proportional {
  readonly replicas: number;
  /** `deployment.kubernetes.io/max-replicas` of the set; undefined when it has none. */
  readonly annotatedMax: number | undefined;
}

/**
 * Sizes after a Deployment was scaled in the middle of a rollout: each active set gets its share, what rounding leaves
 * goes to the first. `sets` are sorted, largest first; `statusReplicas` is the Deployment's status.replicas.
 */
export function proportionalSizes(
  sets: readonly Proportional[],
  desired: number,
  surge: number,
  statusReplicas: number,
): number[] {
  const allowed = desired > 0 ? desired + surge : 0;
  const toAdd = allowed - sum(sets.map((set) => set.replicas));
  let added = 0;
  const sizes = sets.map((set) => {
    if (toAdd === 0 || set.replicas === 0 || added === toAdd) return set.replicas;
    const left = toAdd - added;
    const fraction = share(set, desired, surge, statusReplicas);
    const change = toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
    added += change;
    return set.replicas + change;
  });
  const first = sizes[0];
  if (first !== undefined && toAdd !== 0) sizes[0] = Math.max(0, first + toAdd - added);
  return sizes;
}

function share(set: Proportional, desired: number, surge: number, statusReplicas: number): number {
  if (desired === 0) return -set.replicas;
  const base = set.annotatedMax ?? statusReplicas;
  // Without a base there is nothing to be in proportion to; the first set takes it all.
  if (base <= 0) return 0;
  return Math.round((set.replicas * (desired + surge)) / base) - set.replicas;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
