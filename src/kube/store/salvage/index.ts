// What can still be read of a damaged store: every row that is whole, and the names of those that are not.
// Knows the store's table; how pages are read is page-file.ts and cells.ts.
import { rowChecksum } from '../sqlite/checksum.ts';
import type { StoreRecord } from '../store.ts';
import { type Cell, cellsOf } from './cells.ts';
import { openPageFile } from './page-file.ts';

export interface Salvaged {
  /** The newest whole version of each object, by key in byte order. */
  readonly records: readonly StoreRecord[];
  /** No smaller than any revision that was ever given out, as far as can be told. */
  readonly revision: number;
  /** What is not there as it was, one sentence each. */
  readonly lost: readonly string[];
}

interface Version {
  readonly record: StoreRecord;
  readonly deleted: boolean;
}

/** Changes nothing. `plausible` judges values of rows that are older than checksums. Throws where the file cannot be read. */
export function salvage(file: string, plausible: (value: string) => boolean): Salvaged {
  const pages = openPageFile(file);
  try {
    const newest = new Map<string, Version>();
    /** By key the newest revision that the index names. */
    const named = new Map<string, number>();
    let revision = 1;
    let unreadable = 0;
    for (let number = 1; number <= pages.count; number++) {
      for (const cell of cellsOf(pages, number, () => unreadable++)) {
        const entry = indexEntry(cell);
        if (entry !== undefined) {
          named.set(entry.key, Math.max(named.get(entry.key) ?? 0, entry.revision));
          revision = Math.max(revision, entry.revision);
          continue;
        }
        const version = rowOf(cell, plausible);
        if (version === undefined) continue;
        const { key } = version.record;
        revision = Math.max(revision, version.record.revision);
        if ((newest.get(key)?.record.revision ?? 0) < version.record.revision) newest.set(key, version);
      }
    }
    const lost = [...named].flatMap(([key, last]) => missing(key, last, newest.get(key))).sort();
    if (pages.lostFrames > 0) lost.push(`The last writes: ${pages.lostFrames} pages of the log cannot be read`);
    if (unreadable > 0) lost.push(`${unreadable} entries of damaged pages, whose names cannot be read either`);
    const records = [...newest.values()].filter(({ deleted }) => !deleted).map(({ record }) => record);
    return { records: records.sort(byKey), revision, lost };
  } finally {
    pages.close();
  }
}

function missing(key: string, last: number, found: Version | undefined): string[] {
  if (found === undefined) return [`"${key}" cannot be read`];
  if (found.record.revision >= last) return [];
  return found.deleted
    ? [`"${key}", which was written again, cannot be read`]
    : [`"${key}" is there as of revision ${found.record.revision}; what became of it at ${last} cannot be read`];
}

function byKey(a: StoreRecord, b: StoreRecord): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
}

/** An entry of the index by name and number; the row's number stands behind them once more. */
function indexEntry({ rowid, columns }: Cell): { key: string; revision: number } | undefined {
  const [key, revision] = columns;
  if (rowid !== undefined || columns.length !== 3) return undefined;
  if (typeof key !== 'string' || !key.startsWith('/') || typeof revision !== 'number') return undefined;
  return { key, revision };
}

/** Undefined for what is no row of `kv`, or not as it was written. */
function rowOf({ rowid, columns }: Cell, plausible: (value: string) => boolean): Version | undefined {
  const [id, key, , deleted, createRevision, , value, crc = null] = columns;
  if (rowid === undefined || id !== null || (columns.length !== 7 && columns.length !== 8)) return undefined;
  if (typeof key !== 'string' || typeof value !== 'string' || typeof createRevision !== 'number') return undefined;
  const isDeleted = deleted === 1;
  const whole = crc === null ? plausible(value) : crc === rowChecksum(rowid, key, isDeleted, value);
  if (!whole) return undefined;
  return { record: { key, value, revision: rowid, createRevision }, deleted: isDeleted };
}
