// Ports of the node as elements of nftables sets: from mappings, and back from what the kernel lists.
// Pure.
import ipaddr from 'ipaddr.js';
import type { PortMapping } from '../cni/capabilities.ts';

export interface Element {
  readonly set: string;
  /** As nft reads it. */
  readonly key: string;
  /** Where the key leads; empty for members of a plain set. */
  readonly value: string;
  /** As a user knows it, e.g. `8080/TCP`. */
  readonly title: string;
  readonly protocol: string;
  readonly hostPort: number;
  readonly family: 4 | 6;
}

export interface Listed extends Element {
  /** Container id, from the element's comment. */
  readonly owner: string;
}

/** Everything that makes `mappings` lead to a pod with these addresses. */
export function elementsOf(mappings: readonly PortMapping[], podIps: readonly string[]): Element[] {
  return podIps.flatMap((podIp) => {
    const family = podIp.includes(':') ? 6 : 4;
    const ports = mappings.flatMap((mapping) => portElement(mapping, podIp, family));
    if (ports.length === 0) return [];
    // A pod that calls itself by way of the node: both ends would be the same address.
    const self = {
      set: `self${family}`,
      key: `${podIp} . ${podIp}`,
      value: '',
      title: podIp,
      protocol: '',
      hostPort: 0,
      family,
    } as const;
    return [...ports, self];
  });
}

function portElement(
  { hostPort, containerPort, protocol, hostIP }: PortMapping,
  podIp: string,
  family: 4 | 6,
): Element[] {
  const any = hostIP === '' || hostIP === (family === 4 ? '0.0.0.0' : '::');
  if (!any && hostIP.includes(':') !== (family === 6)) return [];
  const port = `${protocol} . ${hostPort}`;
  return [
    {
      set: any ? `any${family}` : `one${family}`,
      // As the kernel writes it, or it would not be found again.
      key: any ? port : `${ipaddr.parse(hostIP).toString()} . ${port}`,
      value: `${podIp} . ${containerPort}`,
      title: `${any ? '' : `${hostIP}:`}${hostPort}/${protocol.toUpperCase()}`,
      protocol,
      hostPort,
      family,
    },
  ];
}

/** Owner of the element that is already there under the same key. */
export function takenBy(element: Element, present: readonly Listed[]): string | undefined {
  return present.find(({ set, key }) => set === element.set && key === element.key)?.owner;
}

interface Listing {
  readonly nftables?: readonly { readonly map?: NamedSet; readonly set?: NamedSet }[];
}
interface NamedSet {
  readonly name: string;
  readonly elem?: readonly unknown[];
}

/** Elements with a comment in what `nft -j list table` prints. */
export function listedElements(printed: string): Listed[] {
  const { nftables = [] } = JSON.parse(printed) as Listing;
  return nftables.flatMap(({ map, set }) => {
    const named = map ?? set;
    if (named === undefined || !/^(any|one|self)[46]$/.test(named.name)) return [];
    return (named.elem ?? []).flatMap((entry) => listed(named.name, entry));
  });
}

function listed(set: string, entry: unknown): Listed[] {
  const [member, target] = Array.isArray(entry) ? (entry as unknown[]) : [entry, undefined];
  const { elem } = (member ?? {}) as { elem?: { val?: { concat?: readonly unknown[] }; comment?: string } };
  const parts = elem?.val?.concat;
  if (parts === undefined || elem?.comment === undefined) return [];
  const [protocol, hostPort] = parts.slice(-2);
  const { concat: value = [] } = (target ?? {}) as { concat?: readonly unknown[] };
  const isPort = !set.startsWith('self');
  return [
    {
      set,
      key: parts.join(' . '),
      value: value.join(' . '),
      title: isPort ? `${hostPort}/${String(protocol).toUpperCase()}` : String(parts[0]),
      protocol: isPort ? String(protocol) : '',
      hostPort: isPort ? Number(hostPort) : 0,
      family: set.endsWith('6') ? 6 : 4,
      owner: elem.comment,
    },
  ];
}
