// The SQL of the store, each statement prepared once and given a name.
// Knows the table's layout and nothing of commits, watchers or the contract's errors.
import type { DatabaseSync } from 'node:sqlite';
import type { StoreRecord } from '../store.ts';
import { rowChecksum } from './checksum.ts';

/** A row of `kv`; the `previous_*` columns are there in history only. */
export interface KvRow {
  readonly id: number;
  readonly name: string;
  readonly deleted: number;
  readonly create_revision: number;
  readonly value: string;
  /** Null in rows that are older than checksums. */
  readonly crc: number | null;
  readonly previous_id?: number | null;
  readonly previous_value?: string | null;
}

export interface Statements {
  latest(key: string): KvRow | undefined;
  insert(record: StoreRecord, previousRevision: number, deleted: boolean): void;
  /** Live rows after key `after` as of `revision`; `limit` -1 means all. */
  range(prefix: string, after: string, revision: number, limit: number): KvRow[];
  count(prefix: string, after: string, revision: number): number;
  history(prefix: string, after: number): KvRow[];
  /** Forgets what the writes after `from` up to `until` have replaced or deleted. */
  compact(from: number, until: number): void;
  compacted(): number;
  lastId(): number;
  /** A write that changes nothing. */
  touch(): void;
}

const COLUMNS = 'kv.id, kv.name, kv.deleted, kv.create_revision, kv.value, kv.crc';

// Walks the (name, id) index in order and stops at the limit: what a page costs does not depend on what follows it.
const LIVE = `
  FROM kv WHERE name >= :from AND name < :end AND id <= :revision AND deleted = 0 AND NOT EXISTS (
    SELECT 1 FROM kv AS newer WHERE newer.name = kv.name AND newer.id > kv.id AND newer.id <= :revision)`;

/** The highest code point: no key with `prefix` sorts after it in UTF-8. */
const LAST = '\u{10FFFF}';

export function prepareStatements(database: DatabaseSync): Statements {
  const latest = database.prepare(`SELECT ${COLUMNS} FROM kv WHERE name = ? ORDER BY id DESC LIMIT 1`);
  const insert = database.prepare(
    'INSERT INTO kv (id, name, created, deleted, create_revision, prev_revision, value, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const range = database.prepare(`SELECT ${COLUMNS} ${LIVE} ORDER BY name LIMIT :limit`);
  const count = database.prepare(`SELECT count(*) AS n ${LIVE}`);
  const history = database.prepare(
    `SELECT ${COLUMNS}, old.id AS previous_id, old.value AS previous_value
     FROM kv LEFT JOIN kv AS old ON old.id = kv.prev_revision
     WHERE kv.id > :revision AND kv.name >= :prefix AND kv.name < :end ORDER BY kv.id`,
  );
  // What a revision after the compacted one may still refer to as its predecessor stays.
  const forgetReplaced = database.prepare(
    `DELETE FROM kv WHERE id IN (
       SELECT prev_revision FROM kv AS newer WHERE newer.id > :from AND newer.id <= :until AND newer.prev_revision > 0)`,
  );
  const forgetDeletions = database.prepare('DELETE FROM kv WHERE id > :from AND id <= :until AND deleted = 1');
  const setCompacted = database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'");
  const touch = database.prepare("UPDATE meta SET value = value WHERE name = 'compacted'");
  const compacted = database.prepare("SELECT value FROM meta WHERE name = 'compacted'");
  const lastId = database.prepare('SELECT max(id) AS id FROM kv');
  const bounds = (prefix: string) => ({ prefix, end: prefix + LAST });
  // One lower bound, because the index is entered by one; the next key after another ends in a zero byte.
  const span = (prefix: string, after: string) => ({
    from: Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0 ? prefix : `${after}\0`,
    end: prefix + LAST,
  });

  return {
    latest: (key) => latest.get(key) as KvRow | undefined,
    insert({ key, value, revision, createRevision }, previousRevision, deleted) {
      const created = createRevision === revision ? 1 : 0;
      const crc = rowChecksum(revision, key, deleted, value);
      insert.run(revision, key, created, deleted ? 1 : 0, createRevision, previousRevision, value, crc);
    },
    range: (prefix, after, revision, limit) =>
      range.all({ ...span(prefix, after), revision, limit }) as unknown as KvRow[],
    count: (prefix, after, revision) => Number(count.get({ ...span(prefix, after), revision })?.n),
    history: (prefix, revision) => history.all({ ...bounds(prefix), revision }) as unknown as KvRow[],
    compact(from, until) {
      forgetReplaced.run({ from, until });
      forgetDeletions.run({ from, until });
      setCompacted.run(until);
    },
    compacted: () => Number(compacted.get()?.value),
    lastId: () => Number(lastId.get()?.id ?? 0),
    touch: () => void touch.run(),
  };
}
