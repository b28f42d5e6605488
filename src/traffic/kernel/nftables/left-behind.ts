// Whether an earlier run of the nftables driver left its tables in the kernel.
// Asks for names alone: a listing of elements would be as long as there are Services.
import type { Family } from '#lib/ip.ts';
import type { DriverOptions } from '../contract.ts';
import { tableName } from './layout.ts';
import { createNft } from './nft.ts';
import { readChains } from './read-table.ts';

const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

export async function nftablesLeft({ netns, owner }: Pick<DriverOptions, 'netns' | 'owner'>): Promise<boolean> {
  const nft = createNft(netns);
  const chains = await Promise.all(FAMILIES.map((family) => readChains(nft, family, tableName(owner))));
  // A table without chains leads no packet.
  return chains.some((names) => names.length > 0);
}
