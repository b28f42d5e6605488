// A set of IP addresses and CIDRs, asked once a connection.
// Knows nothing of what membership means.

import { BlockList, isIP } from 'node:net';

export interface AddressList {
  has(address: string): boolean;
  /** Entries that are neither an address nor a CIDR; they match nobody. */
  readonly unusable: readonly string[];
}

export function addressList(entries: readonly string[]): AddressList {
  const list = new BlockList();
  const unusable = entries.filter((entry) => !add(list, entry));
  if (unusable.length === entries.length) return { has: () => false, unusable };
  return {
    unusable,
    has(address) {
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

function add(list: BlockList, entry: string): boolean {
  const match = /^([^/%]+)(?:\/([0-9]{1,3}))?$/.exec(entry);
  const address = match?.[1] ?? '';
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const prefix = match?.[2] === undefined ? bits : Number(match[2]);
  if (family === 0 || prefix > bits) return false;
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  return true;
}
