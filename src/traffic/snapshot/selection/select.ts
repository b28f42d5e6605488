// Which endpoints may be chosen, in one line of steps: subset, readiness, health, place, panic.
// Knows no policy and no target; the engine's control thread asks it too, to tell what the workers do.
import { levelNames, levelOf, type Place } from '#traffic/balancer/locality/levels.ts';
import {
  DEFAULT_OVERPROVISIONING,
  evenLoads,
  type LevelHealth,
  priorityLoads,
  totalCapacity,
} from '#traffic/balancer/locality/priority-load.ts';
import { isPanic } from '#traffic/balancer/panic/panic.ts';
import { inSubset } from '#traffic/balancer/subset/subset.ts';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import { endpointKey } from './endpoint-key.ts';
import type { ClusterHealth } from './health.ts';
import { readyEndpoints } from './readiness.ts';

/** Endpoints equally near to the proxy. */
export interface Level {
  /** `node`, `zone` or `any`. */
  readonly name: string;
  /** Percent of the requests that it takes. */
  readonly load: number;
  /** Too few are healthy: all of them count. */
  readonly panic: boolean;
  /** Who may be chosen. */
  readonly endpoints: readonly Endpoint[];
}

export interface Selection {
  /** From near to far, those that have anybody to choose from; at least one. */
  readonly levels: readonly Level[];
  /** Some level panics. */
  readonly panic: boolean;
  /** Who is healthy, near or far. */
  readonly healthy: readonly Endpoint[];
}

/** What of a cluster's settings decides who may be chosen. */
export type SelectionSettings = Pick<Cluster, 'subset' | 'panicThreshold' | 'locality' | 'hold'>;

export function selectEndpoints(
  settings: SelectionSettings,
  endpoints: readonly Endpoint[],
  health: ClusterHealth,
  proxy: Place,
): Selection {
  const { subset, hold } = settings;
  const chosen = subset === undefined ? endpoints : endpoints.filter(({ labels }) => inSubset(labels, subset));
  // Better to wait for one that comes than to be sent to one that goes, which may be gone by then.
  const members = hold === undefined ? chosen : chosen.filter(({ terminating }) => !terminating);
  if (health.size === 0 && settings.locality === undefined) {
    // The usual case: nobody has anything against anyone.
    const ready = readyEndpoints(members);
    return { levels: [{ name: 'any', load: 100, panic: false, endpoints: ready }], panic: false, healthy: ready };
  }
  const ready = readyEndpoints(members.filter((endpoint) => mayEver(health, endpoint)));
  const isHealthy = (endpoint: Endpoint): boolean => !health.has(endpointKey(endpoint));
  const levels = leveled(settings, withHealth(byLevel(settings, ready, proxy), isHealthy));
  const open = levels.filter((level) => level.endpoints.length > 0);
  return {
    levels: open.length > 0 ? open : [{ name: 'any', load: 100, panic: false, endpoints: [] }],
    panic: levels.some(({ panic }) => panic),
    healthy: ready.filter(isHealthy),
  };
}

/** Neither drained nor waiting for a first check: not even panic brings those in. */
function mayEver(health: ClusterHealth, endpoint: Endpoint): boolean {
  const against = health.get(endpointKey(endpoint));
  return against !== 'drained' && against !== 'pending';
}

interface Group {
  readonly name: string;
  readonly all: readonly Endpoint[];
  readonly healthy: readonly Endpoint[];
}

function byLevel({ locality }: SelectionSettings, ready: readonly Endpoint[], proxy: Place) {
  if (locality === undefined) return [{ name: 'any', all: ready }];
  const { prefer } = locality;
  return levelNames(prefer).map((name, level) => ({
    name,
    all: ready.filter((endpoint) => levelOf(endpoint, proxy, prefer) === level),
  }));
}

function withHealth(
  groups: ReadonlyArray<{ readonly name: string; readonly all: readonly Endpoint[] }>,
  isHealthy: (endpoint: Endpoint) => boolean,
): readonly Group[] {
  return groups.map(({ name, all }) => ({ name, all, healthy: all.filter(isHealthy) }));
}

/**
 * Panic is looked at only when the levels together cannot carry the load: as long as they can, a level with few
 * healthy endpoints simply hands requests on. Source: Envoy, panic threshold with priority levels.
 */
function leveled(settings: SelectionSettings, groups: readonly Group[]): readonly Level[] {
  const over = settings.locality?.overprovisioningPercent ?? DEFAULT_OVERPROVISIONING;
  const counts: readonly LevelHealth[] = groups.map(({ all, healthy }) => ({
    healthy: healthy.length,
    total: all.length,
  }));
  const stretched = settings.locality === undefined || totalCapacity(counts, over) < 100;
  const panics = counts.map(({ healthy, total }) => stretched && isPanic(healthy, total, settings.panicThreshold));
  const everywhere = counts.every(({ total }, level) => total === 0 || panics[level] === true);
  const loads = everywhere ? evenLoads(counts.map(({ total }) => total)) : priorityLoads(counts, over);
  return groups.map(({ name, all, healthy }, level) => ({
    name,
    load: loads[level] ?? 0,
    panic: panics[level] ?? false,
    endpoints: panics[level] === true ? all : healthy,
  }));
}
