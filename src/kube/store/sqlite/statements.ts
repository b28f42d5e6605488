// The SQL of the store, each statement prepared once and given a name.
// Knows the table's layout and nothing of commits, watchers or the contract's errors.
import type { DatabaseSync } from 'node:sqlite';
import type { StoreRecord } from '../store.ts';

/** A row of `kv`; the `previous_*` columns are there in history only. */
export interface KvRow {
  readonly id: number;
  readonly name: string;
  readonly deleted: number;
  readonly create_revision: number;
  readonly value: string;
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
  compact(revision: number): void;
  compacted(): number;
  lastId(): number;
}

// The newest row of each key not newer than a revision; the (name, id) index answers it alone.
const NEWEST = `
  SELECT max(id) AS id FROM kv
  WHERE name >= :prefix AND name < :end AND name > :after AND id <= :revision
  GROUP BY name`;

const COLUMNS = 'kv.id, kv.name, kv.deleted, kv.create_revision, kv.value';

/** The highest code point: no key with `prefix` sorts after it in UTF-8. */
const LAST = '\u{10FFFF}';

export function prepareStatements(database: DatabaseSync): Statements {
  const latest = database.prepare(`SELECT ${COLUMNS} FROM kv WHERE name = ? ORDER BY id DESC LIMIT 1`);
  const insert = database.prepare(
    'INSERT INTO kv (id, name, created, deleted, create_revision, prev_revision, value) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const range = database.prepare(
    `SELECT ${COLUMNS} FROM (${NEWEST}) AS newest JOIN kv ON kv.id = newest.id
     WHERE kv.deleted = 0 ORDER BY kv.name LIMIT :limit`,
  );
  const count = database.prepare(
    `SELECT count(*) AS n FROM (${NEWEST}) AS newest JOIN kv ON kv.id = newest.id WHERE kv.deleted = 0`,
  );
  const history = database.prepare(
    `SELECT ${COLUMNS}, old.id AS previous_id, old.value AS previous_value
     FROM kv LEFT JOIN kv AS old ON old.id = kv.prev_revision
     WHERE kv.id > :revision AND kv.name >= :prefix AND kv.name < :end ORDER BY kv.id`,
  );
  // What a revision after the compacted one may still refer to as its predecessor stays.
  const compact = database.prepare(
    `DELETE FROM kv WHERE id <= :revision AND (deleted = 1 OR EXISTS (
       SELECT 1 FROM kv AS newer WHERE newer.name = kv.name AND newer.id > kv.id AND newer.id <= :revision))`,
  );
  const setCompacted = database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'");
  const compacted = database.prepare("SELECT value FROM meta WHERE name = 'compacted'");
  const lastId = database.prepare('SELECT max(id) AS id FROM kv');
  const bounds = (prefix: string) => ({ prefix, end: prefix + LAST });

  return {
    latest: (key) => latest.get(key) as KvRow | undefined,
    insert({ key, value, revision, createRevision }, previousRevision, deleted) {
      const created = createRevision === revision ? 1 : 0;
      insert.run(revision, key, created, deleted ? 1 : 0, createRevision, previousRevision, value);
    },
    range: (prefix, after, revision, limit) =>
      range.all({ ...bounds(prefix), after, revision, limit }) as unknown as KvRow[],
    count: (prefix, after, revision) => Number(count.get({ ...bounds(prefix), after, revision })?.n),
    history: (prefix, revision) => history.all({ ...bounds(prefix), revision }) as unknown as KvRow[],
    compact(revision) {
      compact.run({ revision });
      setCompacted.run(revision);
    },
    compacted: () => Number(compacted.get()?.value),
    lastId: () => Number(lastId.get()?.id ?? 0),
  };
}
