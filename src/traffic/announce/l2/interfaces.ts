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

/** As they are now. */
export function findInterfaces(only: readonly string[]): L2Interface[] {
  return chooseLinks(listLinks(), only).map(({ index, name, hardware }) => ({ index, name, hardware }));
}
