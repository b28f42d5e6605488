// The ways for batches to come into the kernel: the program `nft`, and netlink where the kernel can be called.
// Both do the same; whoever has batches does not know which it is.
import { libcObstacle } from '#lib/sys/libc.ts';
import { type Batch, batchText } from './batch.ts';
import { NetlinkWriter } from './netlink/netlink-writer.ts';
import type { Nft } from './nft.ts';
import type { Writer, WriterName } from './writer.ts';

/** Netlink where the kernel can be called; `only` for those who want one of them. */
export function createWriter(nft: Nft, netns: string | undefined, table: string, only?: WriterName): Writer {
  const text = textWriter(nft, table);
  const chosen = only ?? (libcObstacle() === undefined ? 'netlink' : 'nft');
  return chosen === 'netlink' ? new NetlinkWriter(netns, table, text) : text;
}

function textWriter(nft: Nft, table: string): Writer {
  const write = async (batches: readonly Batch[]): Promise<void> =>
    await nft.transaction(batches.map((batch) => batchText(batch, table)).join(''));
  return { commit: async (batch) => await write([batch]), replace: write, close: () => undefined };
}
