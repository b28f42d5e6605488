// Which interfaces take part in layer 2: those asked for, else every one that leads to a network around the node.
// Knows names and flags; opens nothing.
import { type Link, listLinks } from '#lib/sys/links.ts';

export interface L2Interface {
  readonly index: number;
  readonly name: string;
  readonly hardware: Uint8Array;
}

/** Of pods and of virtual machines: nobody who looks for an address of the node is there. As MetalLB leaves out. */
const INNER =
  /^(docker|cbr|ekbr-|dummy|virbr|lxcbr|lxdbr|br-[0-9a-f]{12}$|veth|lo$|cali|tunl|flannel|cilium|kube-ipvs|cni|nodelocaldns|podman|weave|vxlan|genev|wg|tun|tap)/;

/** `only` are names; when empty, all of Ethernet that are up, no part of another, and not of pods. */
export function chooseLinks(links: readonly Link[], only: readonly string[]): Link[] {
  return links.filter((link) => {
    if (!link.ethernet || !link.up || link.loopback || link.noArp) return false;
    return only.length > 0 ? only.includes(link.name) : link.master === undefined && !INNER.test(link.name);
  });
}

/** Why an interface that is asked for by its name takes no part, as a clause; undefined for one that does. */
export function linkObstacle(links: readonly Link[], name: string): string | undefined {
  const link = links.find((one) => one.name === name);
  if (link === undefined) return 'there is none of this name';
  if (link.loopback) return 'it is the loopback device';
  if (!link.ethernet || link.noArp) return 'it resolves no addresses';
  return link.up ? undefined : 'it is down';
}

export interface FoundInterfaces {
  readonly found: readonly L2Interface[];
  /** Of those that were asked for, the ones that take no part. */
  readonly lacking: readonly { readonly name: string; readonly why: string }[];
}

/** As they are now. */
export function findInterfaces(only: readonly string[]): FoundInterfaces {
  const links = listLinks();
  return {
    found: chooseLinks(links, only).map(({ index, name, hardware }) => ({ index, name, hardware })),
    lacking: only.flatMap((name) => {
      const why = linkObstacle(links, name);
      return why === undefined ? [] : [{ name, why }];
    }),
  };
}
