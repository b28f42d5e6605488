// Zone hints by the annotation service.kubernetes.io/topology-mode: each zone has endpoints by its share of the CPUs.
// Pure. Upstream: endpointslice/topologycache, whose thresholds and words these are.
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import type { Endpoint } from 'kubernetes-types/discovery/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';
import type { PortGroup } from './desired.ts';
import { identity } from './diff.ts';

/** By zone, from 0 to 1, in order of the zones' names. */
export type CpuShares = ReadonlyMap<string, number>;

export type Outcome = { readonly groups: PortGroup[] } | { readonly obstacle: string };

interface Allocation {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

/** So much more than its share an endpoint may get. */
const OVERLOAD = 0.2;
const ZONE = 'topology.kubernetes.io/zone';
const EXCLUDED = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** The older name goes first, as upstream. */
const ANNOTATIONS = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];

/** Whether the Service asks for hints by zone; they then go before those of spec.trafficDistribution. */
export function asksForTopology({ metadata }: Service): boolean {
  const value = ANNOTATIONS.map((name) => metadata?.annotations?.[name]).find((given) => given !== undefined);
  return value === 'Auto' || value === 'auto';
}

export interface NodeShare {
  /** Empty when the node does not say. */
  readonly zone: string;
  /** Thousandths of a CPU; 0 when the node does not say. */
  readonly cpu: number;
}

/** What the node adds to its zone; undefined for one that counts for nothing. */
export function nodeShare({ metadata, status }: Node): NodeShare | undefined {
  const labels = metadata?.labels ?? {};
  if (EXCLUDED.some((name) => name in labels)) return undefined;
  if (status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') return undefined;
  return { zone: labels[ZONE] ?? '', cpu: parseQuantity(String(status.allocatable?.cpu ?? '0')).milli() };
}

/** Undefined when some ready node says neither where it is nor what it has, or all are in one zone. */
export function cpuShares(nodes: readonly Node[]): CpuShares | undefined {
  const cpus = new Map<string, number>();
  for (const node of nodes) {
    const share = nodeShare(node);
    if (share === undefined) continue;
    if (share.zone === '' || share.cpu === 0) return undefined;
    cpus.set(share.zone, (cpus.get(share.zone) ?? 0) + share.cpu);
  }
  if (cpus.size < 2) return undefined;
  const total = [...cpus.values()].reduce((sum, cpu) => sum + cpu, 0);
  return new Map([...cpus].sort().map(([zone, cpu]) => [zone, cpu / total]));
}

/**
 * `hinted` says for which zone an endpoint has been, by `identity`: while every zone has enough and none too much,
 * nobody is moved, for each move is a write that every node reads.
 */
export function topologyHints(
  groups: readonly PortGroup[],
  shares: CpuShares | undefined,
  hinted: ReadonlyMap<string, string>,
): Outcome {
  const ready = groups.flatMap(({ endpoints }) => endpoints.filter(isReady));
  const allocations = allocate(shares, ready.length);
  if (typeof allocations === 'string') return { obstacle: allocations };
  if (ready.some(({ zone = '' }) => zone === '')) {
    return { obstacle: 'One or more endpoints do not have a zone specified' };
  }
  const kept = new Map([...hinted].filter(([, zone]) => allocations.has(zone)));
  const zones = settle(ready, allocations, kept) ?? settle(ready, allocations, new Map());
  if (zones === undefined) return { obstacle: 'No hints allocated for zones' };
  return {
    groups: groups.map(({ ports, endpoints }) => ({
      ports,
      endpoints: endpoints.map((endpoint) => {
        const name = zones.get(endpoint);
        return name === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name }] } };
      }),
    })),
  };
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready === true;

/** Or why there are none. */
function allocate(shares: CpuShares | undefined, count: number): ReadonlyMap<string, Allocation> | string {
  if (shares === undefined) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  }
  const numbers = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${numbers}`;
  const minima = new Map([...shares].map(([zone, share]) => [zone, Math.ceil((share * count) / (1 + OVERLOAD))]));
  const spare = count - [...minima.values()].reduce((sum, minimum) => sum + minimum, 0);
  if (spare < 0) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  }
  return new Map(
    [...minima].map(([zone, minimum]) => {
      const desired = Math.max((shares.get(zone) ?? 0) * count, minimum);
      return [zone, { minimum, maximum: minimum + spare, desired }];
    }),
  );
}

/** Undefined where those that are kept leave a zone too little, or have too much of one. */
function settle(
  ready: readonly Endpoint[],
  allocations: ReadonlyMap<string, Allocation>,
  kept: ReadonlyMap<string, string>,
): Map<Endpoint, string> | undefined {
  const zones = new Map(ready.map((endpoint) => [endpoint, kept.get(identity(endpoint)) ?? endpoint.zone ?? '']));
  const counts = new Map<string, number>();
  for (const zone of zones.values()) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  const { giving, receiving } = exchange(allocations, counts);
  for (const endpoint of ready) {
    const from = zones.get(endpoint) ?? '';
    if (kept.has(identity(endpoint)) || !giving.includes(from)) continue;
    giving.splice(giving.indexOf(from), 1);
    const to = receiving.shift() ?? from;
    zones.set(endpoint, to);
    counts.set(from, (counts.get(from) ?? 0) - 1);
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  if (kept.size === 0) return zones;
  const fair = [...allocations].every(([zone, { minimum, maximum }]) => {
    const count = counts.get(zone) ?? 0;
    return count >= minimum && count <= maximum;
  });
  return fair ? zones : undefined;
}

/** One entry for each endpoint that a zone gives, and that one receives; as many of these as of those. */
function exchange(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ReadonlyMap<string, number>,
): { readonly giving: string[]; readonly receiving: string[] } {
  const surplus = new Map([...allocations].map(([zone, { desired }]) => [zone, (counts.get(zone) ?? 0) - desired]));
  const giving: string[] = [];
  const receiving: string[] = [];
  for (;;) {
    const [from, tooMany] = most(surplus, 1);
    const [to, tooFew] = most(surplus, -1);
    if (Math.max(tooMany, tooFew) < 1 || Math.min(tooMany, tooFew) < 0.5) break;
    giving.push(from);
    receiving.push(to);
    move(surplus, from, to);
  }
  // What is left of halves may leave a zone below its minimum; others have what it lacks.
  const spare = new Map([...counts].map(([zone, count]) => [zone, count - (allocations.get(zone)?.minimum ?? 0)]));
  for (const [zone, { minimum }] of allocations) if (!spare.has(zone)) spare.set(zone, -minimum);
  for (const [at, from] of giving.entries()) move(spare, from, receiving[at] ?? from);
  for (;;) {
    const [from] = most(spare, 1);
    const [to] = most(spare, -1);
    if (from === '' || to === '') return withoutDetours(giving, receiving);
    giving.push(from);
    receiving.push(to);
    move(spare, from, to);
  }
}

/** A zone that is given one and gives one has no part in it. */
function withoutDetours(
  giving: readonly string[],
  receiving: readonly string[],
): { readonly giving: string[]; readonly receiving: string[] } {
  const given = [...giving];
  const left = receiving.filter((zone) => {
    const at = given.indexOf(zone);
    if (at >= 0) given.splice(at, 1);
    return at < 0;
  });
  return { giving: given, receiving: left };
}

function move(amounts: Map<string, number>, from: string, to: string): void {
  amounts.set(from, (amounts.get(from) ?? 0) - 1);
  amounts.set(to, (amounts.get(to) ?? 0) + 1);
}

function most(surplus: ReadonlyMap<string, number>, sign: 1 | -1): [string, number] {
  return [...surplus].reduce<[string, number]>(
    (best, [zone, value]) => (value * sign > best[1] ? [zone, value * sign] : best),
    ['', 0],
  );
}
