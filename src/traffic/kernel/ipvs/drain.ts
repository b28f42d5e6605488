// Destinations that are asked no more and still have connections: they stay with weight 0 until those have ended.
// Pure; how many connections there are is handed in.
import type { IpvsTable, Virtual } from './table.ts';

/** A virtual service that we want, with what its endpoints' end means to its flows. */
export interface WantedVirtual extends Virtual {
  /** Destinations whose flows may go on though they get no new ones; undefined: those of all. */
  readonly lasting: ReadonlySet<string> | undefined;
}

/** `wanted` and, of what the kernel has at this key, the destinations that still drain. */
export function withDraining(wanted: WantedVirtual, has: Virtual | undefined): Virtual {
  const destinations = new Map(wanted.destinations);
  for (const destination of has?.destinations.keys() ?? []) {
    if (destinations.has(destination)) continue;
    if (wanted.lasting === undefined || wanted.lasting.has(destination)) destinations.set(destination, 0);
  }
  const { scheduler, persistentSeconds, others } = wanted;
  return { scheduler, persistentSeconds, others, destinations };
}

/** Keys with their destinations that are there and not wanted. */
export function drainingOf(have: IpvsTable, wanted: ReadonlyMap<string, WantedVirtual>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [key, { destinations }] of have) {
    const want = wanted.get(key);
    const draining = [...destinations.keys()].filter((one) => want !== undefined && !want.destinations.has(one));
    if (draining.length > 0) found.set(key, draining);
  }
  return found;
}
