// What a store holds at one revision, in pages, while writes go on.
// Knows the store's contract; what becomes of the records is the reader's matter.
import type { Store, StoreRecord } from '../store.ts';

/** Few enough that a page keeps the server from nobody for long. */
const PAGE = 500;

export interface Snapshot {
  readonly revision: number;
  readonly objects: number;
  pages(): Generator<readonly StoreRecord[], void>;
  /** Lets compaction go on. */
  release(): void;
}

/** The store must stay open until it is released. */
export function takeSnapshot(store: Store): Snapshot {
  const hold = store.hold();
  const { revision } = hold;
  const first = store.range('/', { revision, limit: 1 });
  return {
    revision,
    objects: first.records.length + first.remaining,
    *pages() {
      let after: string | undefined;
      for (;;) {
        const options = { revision, limit: PAGE, uncounted: true, ...(after === undefined ? {} : { after }) };
        const { records, remaining } = store.range('/', options);
        if (records.length > 0) yield records;
        if (remaining === 0) return;
        after = records.at(-1)?.key;
      }
    },
    release: hold.release,
  };
}
