// The durable store: an append-only table of revisions in one SQLite file, with group commit.
// Knows only the contract; opening and layout of the file are in schema.ts.
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '#lib/clock.ts';
import {
  CompactedError,
  FutureRevisionError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreEvent,
  type StoreRecord,
  type StoreWatch,
  type WriteOutcome,
} from '../store.ts';
import { WatchHub } from '../watch-hub.ts';
import { openDatabase } from './schema.ts';
import { type KvRow, prepareStatements, type Statements } from './statements.ts';

export { StoreFileError } from './schema.ts';

interface PendingWrite {
  readonly key: string;
  /** Absent: a deletion. */
  readonly value: string | undefined;
  readonly expected: number;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface SqliteStoreOptions {
  readonly clock: Clock;
  /** How long a write waits for others to share its commit, in milliseconds; default 0, the end of this turn. */
  readonly commitWindowMs?: number;
}

/** Opens or creates the store in `file`. Throws `StoreFileError`. */
export function openSqliteStore(file: string, options: SqliteStoreOptions): Store {
  return new SqliteStore(openDatabase(file), options);
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #sql: Statements;
  readonly #hub = new WatchHub();
  readonly #clock: Clock;
  readonly #commitWindowMs: number;
  #pending: PendingWrite[] = [];
  #revision: number;
  #compacted: number;
  #closed = false;

  constructor(database: DatabaseSync, options: SqliteStoreOptions) {
    this.#database = database;
    this.#clock = options.clock;
    this.#commitWindowMs = options.commitWindowMs ?? 0;
    this.#sql = prepareStatements(database);
    this.#compacted = this.#sql.compacted();
    // Compaction may have removed the newest row, a deletion: its revision must not be given out again.
    this.#revision = Math.max(1, this.#compacted, this.#sql.lastId());
  }

  revision(): number {
    return this.#revision;
  }

  compacted(): number {
    return this.#compacted;
  }

  get(key: string): StoreRecord | undefined {
    const row = this.#sql.latest(key);
    return row === undefined || row.deleted === 1 ? undefined : toRecord(row);
  }

  range(prefix: string, options: RangeOptions = {}): RangeResult {
    const revision = options.revision ?? this.#revision;
    this.#assertRetained(revision);
    const rows = this.#sql.range(prefix, options.after ?? '', revision, options.limit ?? -1);
    const mayHaveMore = options.limit !== undefined && rows.length === options.limit;
    const lastKey = rows.at(-1)?.name ?? options.after ?? '';
    const remaining = mayHaveMore ? this.#sql.count(prefix, lastKey, revision) : 0;
    return { records: rows.map(toRecord), revision, remaining };
  }

  put(key: string, value: string, expected: number): Promise<WriteOutcome> {
    return this.#enqueue(key, value, expected);
  }

  delete(key: string, expected: number): Promise<WriteOutcome> {
    return this.#enqueue(key, undefined, expected);
  }

  watch(prefix: string, after: number, listener: (events: readonly StoreEvent[]) => void): StoreWatch {
    this.#assertOpen();
    this.#assertRetained(after);
    const backlog = after === this.#revision ? [] : this.#sql.history(prefix, after).map(toEvent);
    return this.#hub.attach(prefix, backlog, listener);
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen();
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision <= this.#compacted) return;
    this.#transaction(() => this.#sql.compact(revision));
    this.#compacted = revision;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#hub.close();
    this.#database.close();
  }

  #enqueue(key: string, value: string | undefined, expected: number): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      this.#pending.push({ key, value, expected, resolve, reject });
      if (this.#pending.length > 1) return;
      if (this.#commitWindowMs > 0) this.#clock.after(this.#commitWindowMs, () => this.#flush());
      else setImmediate(() => this.#flush());
    });
  }

  /** Commits everything that waits in one transaction, then tells watchers, then the writers. */
  #flush(): void {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    const before = this.#revision;
    const events: StoreEvent[] = [];
    let outcomes: WriteOutcome[];
    try {
      outcomes = this.#transaction(() => batch.map((write) => this.#write(write, events)));
    } catch (error) {
      this.#revision = before;
      for (const write of batch) write.reject(error);
      return;
    }
    this.#hub.publish(events);
    for (const [index, write] of batch.entries()) write.resolve(outcomes[index] as WriteOutcome);
  }

  #write({ key, value, expected }: PendingWrite, events: StoreEvent[]): WriteOutcome {
    const previous = this.get(key);
    const mustExist = value === undefined;
    if ((previous?.revision ?? 0) !== expected || (mustExist && previous === undefined)) {
      return previous === undefined ? { ok: false } : { ok: false, current: previous };
    }
    const revision = ++this.#revision;
    const record: StoreRecord = {
      key,
      value: value ?? previous?.value ?? '',
      revision,
      createRevision: previous?.createRevision ?? revision,
    };
    this.#sql.insert(record, previous?.revision ?? 0, mustExist);
    events.push({ type: mustExist ? 'delete' : 'put', record, ...(previous === undefined ? {} : { previous }) });
    return { ok: true, revision };
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A failed COMMIT (disk full) may have ended the transaction already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #assertRetained(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.#compacted) throw new CompactedError(this.#compacted);
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('Store is closed');
  }
}

function toRecord(row: KvRow): StoreRecord {
  return { key: row.name, value: row.value, revision: row.id, createRevision: row.create_revision };
}

function toEvent(row: KvRow): StoreEvent {
  const previous =
    row.previous_id === undefined || row.previous_id === null
      ? undefined
      : {
          key: row.name,
          value: row.previous_value ?? '',
          revision: row.previous_id,
          createRevision: row.create_revision,
        };
  return {
    type: row.deleted === 1 ? 'delete' : 'put',
    record: toRecord(row),
    ...(previous === undefined ? {} : { previous }),
  };
}
