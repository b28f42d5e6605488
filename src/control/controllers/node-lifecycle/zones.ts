// How fast nodes of a zone may be emptied: slower, or not at all, when so many are ill that the fault is likely ours.
// Pure but for its memory. Upstream: ComputeZoneState and the rate limited queues of node_lifecycle_controller.go.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { ControllerSettings } from '../settings.ts';
import { readyCondition } from './taints.ts';

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

const EXCLUDED = 'node.kubernetes.io/exclude-disruption';

export function zoneOf(node: Node): string {
  const { labels = {} } = node.metadata ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}/${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

/** Three ill nodes at least make a partial disruption: in a small zone every node counts for much. */
export function zoneState(ready: number, notReady: number, threshold: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  return notReady > 2 && notReady / (ready + notReady) >= threshold ? 'PartialDisruption' : 'Normal';
}

export function zoneStates(nodes: readonly Node[], threshold: number): Map<string, ZoneState> {
  const counts = new Map<string, { ready: number; notReady: number }>();
  for (const node of nodes) {
    if (node.metadata?.labels?.[EXCLUDED] !== undefined) continue;
    const count = counts.get(zoneOf(node)) ?? { ready: 0, notReady: 0 };
    counts.set(zoneOf(node), count);
    if (readyCondition(node)?.status === 'True') count.ready++;
    else count.notReady++;
  }
  return new Map([...counts].map(([zone, { ready, notReady }]) => [zone, zoneState(ready, notReady, threshold)]));
}

/** When every zone is down, it is more likely that we are cut off: then nobody is moved. */
export function allDisrupted(states: ReadonlyMap<string, ZoneState>): boolean {
  return states.size > 0 && [...states.values()].every((state) => state === 'FullDisruption');
}

/** Nodes a second. */
export function evictionRate(state: ZoneState, clusterSize: number, settings: ControllerSettings): number {
  if (state !== 'PartialDisruption') return settings.nodeEvictionRate;
  return clusterSize > settings.largeClusterSize ? settings.secondaryNodeEvictionRate : 0;
}

/** One node at a time from each zone. */
export class ZoneLimits {
  readonly #nextAt = new Map<string, number>();

  /** Milliseconds to wait before the next node of the zone may be emptied; 0 takes the turn. */
  take(zone: string, rate: number, now: number): number {
    const wait = (this.#nextAt.get(zone) ?? now) - now;
    if (wait > 0) return wait;
    if (rate <= 0) return Number.POSITIVE_INFINITY;
    this.#nextAt.set(zone, now + 1000 / rate);
    return 0;
  }
}
