// Which addresses would belong to no range any more if one went.
// Pure: knows ranges and addresses as texts.
import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** None when what stays covers every range that goes, as upstream; else those of `held` that only what goes contains. */
export function orphansOf(going: readonly string[], staying: readonly string[], held: readonly string[]): string[] {
  const [gone, kept] = [going.flatMap(rangeOf), staying.flatMap(rangeOf)];
  if (gone.every((range) => kept.some((other) => covers(other, range)))) return [];
  return held.filter((text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.parse(text);
    return gone.some((range) => holds(range, address)) && !kept.some((range) => holds(range, address));
  });
}

function rangeOf(cidr: string): Range[] {
  return ipaddr.isValidCIDR(cidr) ? [ipaddr.parseCIDR(cidr)] : [];
}

function holds([network, bits]: Range, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.kind() === address.kind() && address.match(network as never, bits);
}

function covers(outer: Range, inner: Range): boolean {
  return outer[1] <= inner[1] && holds(outer, inner[0]);
}
