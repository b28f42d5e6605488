// How batches come into the kernel: what is asked of every way.
// Types only.
import type { Batch } from './batch.ts';

export interface Writer {
  /** One transaction: all of it is in force, or nothing is. Rejects with an `NftError` that names what was refused. */
  commit(batch: Batch): Promise<void>;
  /** Whole tables, with all that they hold: what was there stays in force until their successors are. */
  replace(batches: readonly Batch[]): Promise<void>;
  close(): void;
}

export type WriterName = 'netlink' | 'nft';
