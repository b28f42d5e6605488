// The durable store: an append-only table of revisions in one SQLite file, with group commit.
// Knows only the contract; opening and layout of the file are in schema.ts.
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#lib/clock.ts';
import { Holds } from '../holds.ts';
import {
  CompactedError,
  DamagedRecordError,
  DEFAULT_QUOTA_BYTES,
  FutureRevisionError,
  NoSpaceError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreEvent,
  type StoreHealth,
  type StoreRecord,
  type StoreWatch,
  type WriteOutcome,
} from '../store.ts';
import { WatchHub } from '../watch-hub.ts';
import { rowChecksum } from './checksum.ts';
import { closeDatabase, openDatabase } from './schema.ts';
import { Space } from './space.ts';
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
  /** From which on only deletions are taken; 0: the disk is the limit. Default 2 GiB. */
  readonly quotaBytes?: number;
}

/** Revisions of one step of a compaction: writers wait for a step at most. */
const COMPACT_STEP = 1_000;

/** Opens or creates the store in `file`. Throws `StoreFileError`. */
export function openSqliteStore(file: string, options: SqliteStoreOptions): Store {
  return new SqliteStore(file, openDatabase(file), options);
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #sql: Statements;
  readonly #hub = new WatchHub();
  readonly #clock: Clock;
  readonly #commitWindowMs: number;
  readonly #space: Space;
  readonly #holds = new Holds();
  #pending: PendingWrite[] = [];
  #revision: number;
  #compacted: number;
  #closed = false;

  constructor(file: string, database: DatabaseSync, options: SqliteStoreOptions) {
    this.#database = database;
    this.#clock = options.clock;
    this.#commitWindowMs = options.commitWindowMs ?? 0;
    this.#sql = prepareStatements(database);
    this.#space = new Space(database, {
      file,
      quotaBytes: options.quotaBytes ?? DEFAULT_QUOTA_BYTES,
      clock: options.clock,
      probe: () => this.#transaction(() => this.#sql.touch()),
    });
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
    const { limit, after = '' } = options;
    // One more than asked for tells whether there is more.
    const rows = this.#sql.range(prefix, after, revision, limit === undefined ? -1 : limit + 1);
    let remaining = limit === undefined ? 0 : Math.max(0, rows.length - limit);
    if (remaining > 0) rows.pop();
    if (remaining > 0 && options.uncounted !== true) {
      remaining = this.#sql.count(prefix, rows.at(-1)?.name ?? after, revision);
    }
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
    for (;;) {
      const until = Math.min(this.#holds.cap(revision), this.#compacted + COMPACT_STEP);
      if (until <= this.#compacted) return;
      // Each step is a compaction of its own: an end in between loses nothing and leaves nothing half done.
      this.#transaction(() => this.#sql.compact(this.#compacted, until));
      this.#compacted = until;
      if (until >= revision) return;
      await nextTurn();
      if (this.#closed) return;
    }
  }

  hold(): { readonly revision: number; release(): void } {
    return this.#holds.take(this.#revision);
  }

  health(): StoreHealth {
    return this.#space.health();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#space.close();
    this.#hub.close();
    closeDatabase(this.#database);
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
    let outcomes: (WriteOutcome | NoSpaceError)[];
    try {
      const full = this.#space.refusal(batch.map(({ value = '' }) => value));
      outcomes = this.#transaction(() => batch.map((write) => this.#write(write, events, full)));
      this.#space.worked();
    } catch (error) {
      this.#revision = before;
      const told = this.#space.failed(error);
      for (const write of batch) write.reject(told);
      return;
    }
    this.#hub.publish(events);
    for (const [index, write] of batch.entries()) {
      const outcome = outcomes[index] as WriteOutcome | NoSpaceError;
      if (outcome instanceof NoSpaceError) write.reject(outcome);
      else write.resolve(outcome);
    }
  }

  /** `full`: why nothing may be added; what is deleted makes room, in the end. */
  #write(
    { key, value, expected }: PendingWrite,
    events: StoreEvent[],
    full: NoSpaceError | undefined,
  ): WriteOutcome | NoSpaceError {
    const previous = this.get(key);
    const mustExist = value === undefined;
    if ((previous?.revision ?? 0) !== expected || (mustExist && previous === undefined)) {
      return previous === undefined ? { ok: false } : { ok: false, current: previous };
    }
    if (full !== undefined && value !== undefined) return full;
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

/** Throws `DamagedRecordError`. */
function toRecord(row: KvRow): StoreRecord {
  if (row.crc !== null && row.crc !== rowChecksum(row.id, row.name, row.deleted === 1, row.value)) {
    throw new DamagedRecordError(row.name, row.id);
  }
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
