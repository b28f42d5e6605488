// The steps by which the bridge of a node and the interfaces of its pods are made, as input of a shell and of `ip`.
// Pure: text from names, addresses and sizes.
import type { AddressPool } from '../../node/address-pool.ts';
import type { Lease } from './ipam.ts';

/** Pods reach each other through the node's routing, never around it: only so every packet meets the node's rules. */
function whole(family: 4 | 6): string {
  return family === 4 ? '32' : '128';
}

export function everywhere(family: 4 | 6): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}

/** No link-local address, where there is IPv6 at all. */
const QUIET = "quiet=; if [ -e /proc/sys/net/ipv6 ]; then quiet='addrgenmode none'; fi";

export interface BridgeFacts {
  readonly bridge: string;
  readonly mac: string;
  readonly mtu: number;
  readonly pools: readonly AddressPool[];
}

/**
 * The bridge, which holds the pods' gateway; running it again changes nothing. It has no link-local address: nothing
 * needs it, and without one no router tells pods of shorter ways. An address that no pod has is unreachable at once,
 * where the neighbour table would wait for seconds.
 */
export function bridgeScript({ bridge, mac, mtu, pools }: BridgeFacts): string {
  return `
ip link show dev ${bridge} >/dev/null 2>&1 ||
  ip link add ${bridge} address ${mac} mtu ${mtu} type bridge forward_delay 0 mcast_snooping 0
echo 0 > /proc/sys/net/ipv4/conf/${bridge}/send_redirects
echo 1 > /proc/sys/net/ipv4/conf/${bridge}/route_localnet
${QUIET}
ip -batch - <<END
link set dev ${bridge} mtu ${mtu} $quiet up
${pools
  .flatMap(({ family, gateway, cidr }) => [
    `addr replace ${gateway}/${whole(family)} dev ${bridge}${family === 6 ? ' nodad' : ''}`,
    `route replace unreachable ${cidr} metric 4096`,
  ])
  .join('\n')}
END
`;
}

export interface PodFacts {
  readonly bridge: string;
  readonly bridgeMac: string;
  readonly mtu: number;
  /** The node's end of the pair. */
  readonly link: string;
  /** Name of the pod's namespace, and of its end there. */
  readonly netns: string;
  readonly ifName: string;
  readonly mac: string;
  readonly leases: readonly Lease[];
}

/** Both neighbours are told of each other, so that the first packet need not wait for an answer to ARP. */
export function podScript({ bridge, bridgeMac, mtu, link, netns, ifName, mac, leases }: PodFacts): string {
  return `
${QUIET}
ip -batch - <<END
link add ${link} mtu ${mtu} type veth peer name ${ifName} mtu ${mtu} address ${mac} netns ${netns}
link set dev ${link} $quiet master ${bridge} up
link set dev ${link} type bridge_slave hairpin on
${leases
  .flatMap(({ address, family }) => [
    `neigh replace ${address} lladdr ${mac} dev ${bridge} nud permanent`,
    `route replace ${address}/${whole(family)} dev ${bridge}`,
  ])
  .join('\n')}
END
ip -n ${netns} -batch - <<'END'
link set dev ${ifName} up
${leases
  .flatMap(({ address, family, gateway }) => [
    `addr add ${address}/${whole(family)} dev ${ifName}${family === 6 ? ' nodad' : ''}`,
    `neigh replace ${gateway} lladdr ${bridgeMac} dev ${ifName} nud permanent`,
    `route add ${gateway} dev ${ifName}`,
    `route add ${everywhere(family)} via ${gateway} dev ${ifName}`,
  ])
  .join('\n')}
END
`;
}

/** Whatever of it there is; the pair goes with its one end. */
export function removePodScript(bridge: string, link: string, leases: readonly Lease[]): string {
  return `
if ip link show dev ${link} >/dev/null 2>&1; then ip link delete dev ${link}; fi
ip -force -batch - >/dev/null 2>&1 <<'END' || true
${leases
  .flatMap(({ address, family }) => [
    `route delete ${address}/${whole(family)} dev ${bridge}`,
    `neigh delete ${address} dev ${bridge}`,
  ])
  .join('\n')}
END
`;
}

export function removeBridgeScript(bridge: string, pools: readonly AddressPool[]): string {
  return `
if ip link show dev ${bridge} >/dev/null 2>&1; then ip link delete dev ${bridge}; fi
ip -force -batch - >/dev/null 2>&1 <<'END' || true
${pools.map(({ cidr }) => `route delete unreachable ${cidr} metric 4096`).join('\n')}
END
`;
}
