// Hardware addresses that follow from addresses: the same again after a restart, and none twice on a bridge.
// Pure.
import ipaddr from 'ipaddr.js';
import type { AddressPool } from '../../node/address-pool.ts';
import type { Lease } from './ipam.ts';

/** Locally administered: 0a:58 and the IPv4 address, or 0a:59 and the end of the IPv6 address. */
function macOf(address: string): string {
  const bytes = ipaddr.parse(address).toByteArray();
  const octets = bytes.length === 4 ? [0x0a, 0x58, ...bytes] : [0x0a, 0x59, ...bytes.slice(-4)];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}

export function podMac(leases: readonly Lease[]): string {
  const lease = leases.find((one) => one.family === 4) ?? leases[0];
  return macOf(lease?.address ?? '0.0.0.0');
}

export function bridgeMac(pools: readonly AddressPool[]): string {
  const pool = pools.find((one) => one.family === 4) ?? pools[0];
  return macOf(pool?.gateway ?? '0.0.0.0');
}
