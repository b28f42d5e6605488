// Whether a cluster's ranges meet what the machine has already, said before anything is made.
// Pure: reads what `ip -j` printed.
import { Failure } from '../../failure.ts';
import { overlaps, parseCidr } from './cidr.ts';
import type { PlannedRange } from './plan.ts';

/** An entry of `ip -j route show table all`; IPv6 routes look the same. */
export interface MachineRoute {
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly table?: string;
}

/** Throws a `Failure` that names the range, the route and the flag. */
export function checkConflicts(ranges: readonly PlannedRange[], routes: readonly MachineRoute[]): void {
  for (const { dst, dev, type } of routes) {
    // The way to everywhere else is in nobody's way; multicast is another matter.
    if (dst === 'default' || type === 'multicast' || type === 'anycast') continue;
    const route = parseCidr(dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`);
    if (route === undefined) continue;
    const met = ranges.find(({ cidr }) => {
      const range = parseCidr(cidr);
      return range !== undefined && overlaps(range, route);
    });
    if (met === undefined) continue;
    const where = dev === undefined ? '' : ` on ${dev}`;
    throw new Failure(
      `${met.flag} ${met.cidr} meets ${type === 'local' ? 'address' : 'route'} ${dst}${where} of this machine`,
      `Give ${met.flag} another range, or stop the cluster that has it with "evenkeel down"`,
    );
  }
}
