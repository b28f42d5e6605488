// The ways for batches to come into the kernel: the program `nft`, and netlink where the kernel can be called.
// What packets meet is the same; netlink can say more of how they are led there.
import { libcObstacle } from '#lib/sys/libc.ts';
import { type Batch, batchText } from './batch.ts';
import { NetlinkReader } from './netlink/netlink-reader.ts';
import { NetlinkWriter } from './netlink/netlink-writer.ts';
import type { Nft } from './nft.ts';
import { nftReader, type TableReader } from './read-table.ts';
import type { Style } from './ways.ts';
import type { Writer, WriterName } from './writer.ts';

/** Netlink where the kernel can be called; `only` for those who want one of them. */
export function createWriter(nft: Nft, netns: string | undefined, table: string, only?: WriterName): Writer {
  const text = textWriter(nft, table);
  return chosen(only) === 'netlink' ? new NetlinkWriter(netns, table, text) : text;
}

/** Reads by netlink where the writer writes so. */
export function createReader(nft: Nft, netns: string | undefined, table: string, only?: WriterName): TableReader {
  return chosen(only) === 'netlink' ? new NetlinkReader(nft, netns, table) : nftReader(nft, table);
}

/** How the writer can have fronts led to chains. */
export function chosenStyle(only?: WriterName): Style {
  return chosen(only) === 'netlink' ? 'numbers' : 'verdicts';
}

function chosen(only: WriterName | undefined): WriterName {
  return only ?? (libcObstacle() === undefined ? 'netlink' : 'nft');
}

export function textWriter(nft: Nft, table: string): Writer {
  const write = async (batches: readonly Batch[]): Promise<void> =>
    await nft.transaction(batches.map((batch) => batchText(batch, table)).join(''));
  return { commit: async (batch) => await write([batch]), replace: write, close: () => undefined };
}
