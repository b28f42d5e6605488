// How large packets may be that leave the node, from the interface that leads out of it.
// Only reads.
import type { Commands } from '../commands.ts';

const ETHERNET = 1500;

interface Route {
  /** Left out of a route that leads somewhere. */
  readonly type?: string;
  readonly dst?: string;
  readonly dev?: string;
}
interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly linkinfo?: { readonly info_kind?: string };
}

/** Of the default route's interface; without one, the smallest that is up; 1500 when there is none at all. */
export async function uplinkMtu(commands: Commands): Promise<number> {
  const routes = [
    ...(JSON.parse((await commands.must(['ip', '-j', 'route'])) || '[]') as Route[]),
    ...(JSON.parse((await commands.must(['ip', '-j', '-6', 'route'])) || '[]') as Route[]),
  ];
  const links = JSON.parse(await commands.must(['ip', '-j', '-d', 'link'])) as Link[];
  const outside = routes.find(
    ({ type, dst, dev }) => type === undefined && dst === 'default' && dev !== undefined,
  )?.dev;
  const uplink = links.find((link) => link.ifname === outside);
  if (uplink !== undefined) return uplink.mtu;
  // Bridges and their ports are of pods, ours or others'.
  const others = links.filter(
    ({ flags, linkinfo }) => flags.includes('UP') && !flags.includes('LOOPBACK') && linkinfo?.info_kind !== 'bridge',
  );
  return others.length === 0 ? ETHERNET : Math.min(...others.map((link) => link.mtu));
}
