// Which address of this machine a peer should send packets to: one on the network that the session runs on.
// Knows the machine's interfaces, and no route.
import { networkInterfaces } from 'node:os';
import { canonicalAddress, FAMILIES, type Family, isLinkLocal } from '../wire/family.ts';

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * `localAddress` is the session's own end. In its family that address; in the other one the first address of the same
 * interface. A session over link-local addresses names a global address of IPv6 as well where there is one (RFC 2545).
 */
export function nextHopsAt(
  localAddress: string,
  interfaces: Interfaces = networkInterfaces(),
): Record<Family, readonly string[]> {
  const own = canonicalAddress(localAddress);
  const zone = localAddress.split('%')[1];
  const [, beside = []] =
    Object.entries(interfaces).find(
      ([name, addresses]) =>
        (zone === undefined || zone === name) && addresses?.some(({ address }) => canonicalAddress(address) === own),
    ) ?? [];
  const usable = (family: Family): string[] =>
    beside
      .filter((info) => info.family.toLowerCase() === family && !isLinkLocal(info.address))
      .map(({ address }) => canonicalAddress(address));
  const hops = { ipv4: usable('ipv4').slice(0, 1), ipv6: usable('ipv6').slice(0, 1) };
  if (isLinkLocal(own)) return { ...hops, ipv6: [...hops.ipv6, own] };
  const family = FAMILIES.find((name) => (name === 'ipv6') === own.includes(':')) as Family;
  return { ...hops, [family]: [own] };
}
