// The store without a disk, for tests and throw-away clusters.
// Knows only the contract; history is a log that reads of the past walk back through.
import { Holds } from '../holds.ts';
import { quotaExceeded } from '../quota.ts';
import {
  CompactedError,
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

export interface MemoryStoreOptions {
  /** From which on only deletions are taken, in characters of keys and values; 0: never. Default 2 GiB. */
  readonly quotaBytes?: number;
}

/** An empty store at revision 1; what it holds ends with the process. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.quotaBytes ?? DEFAULT_QUOTA_BYTES);
}

class MemoryStore implements Store {
  readonly #current = new Map<string, StoreRecord>();
  /** Every event after `#compacted`, oldest first. */
  #log: StoreEvent[] = [];
  readonly #hub = new WatchHub();
  readonly #holds = new Holds();
  readonly #quotaBytes: number;
  #used = 0;
  #revision = 1;
  #compacted = 0;
  #closed = false;

  constructor(quotaBytes: number) {
    this.#quotaBytes = quotaBytes;
  }

  revision(): number {
    return this.#revision;
  }

  compacted(): number {
    return this.#compacted;
  }

  get(key: string): StoreRecord | undefined {
    return this.#current.get(key);
  }

  range(prefix: string, options: RangeOptions = {}): RangeResult {
    const revision = options.revision ?? this.#revision;
    const after = options.after;
    const records = [...this.#asOf(revision).values()]
      .filter(({ key }) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0))
      .sort((a, b) => byBytes(a.key, b.key));
    const page = records.slice(0, options.limit ?? records.length);
    const more = records.length - page.length;
    return { records: page, revision, remaining: options.uncounted === true ? Math.min(1, more) : more };
  }

  async put(key: string, value: string, expected: number): Promise<WriteOutcome> {
    this.#assertOpen();
    const previous = this.#current.get(key);
    if ((previous?.revision ?? 0) !== expected) return refused(previous);
    const { alarm } = this.health();
    if (alarm !== undefined) throw alarm;
    const revision = ++this.#revision;
    const record = { key, value, revision, createRevision: previous?.createRevision ?? revision };
    this.#current.set(key, record);
    this.#commit({ type: 'put', record, ...(previous === undefined ? {} : { previous }) });
    return { ok: true, revision };
  }

  async delete(key: string, expected: number): Promise<WriteOutcome> {
    this.#assertOpen();
    const previous = this.#current.get(key);
    if (previous === undefined || previous.revision !== expected) return refused(previous);
    const revision = ++this.#revision;
    this.#current.delete(key);
    this.#commit({ type: 'delete', record: { ...previous, revision }, previous });
    return { ok: true, revision };
  }

  watch(prefix: string, after: number, listener: (events: readonly StoreEvent[]) => void): StoreWatch {
    this.#assertOpen();
    this.#assertRetained(after);
    const backlog = this.#log.filter(({ record }) => record.revision > after && record.key.startsWith(prefix));
    return this.#hub.attach(prefix, backlog, listener);
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen();
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    const until = this.#holds.cap(revision);
    if (until <= this.#compacted) return;
    this.#compacted = until;
    this.#log = this.#log.filter(({ record }) => record.revision > until);
    this.#used = 0;
    for (const record of this.#current.values()) this.#used += sizeOf(record);
    for (const { previous } of this.#log) if (previous !== undefined) this.#used += sizeOf(previous);
  }

  hold(): { readonly revision: number; release(): void } {
    return this.#holds.take(this.#revision);
  }

  health(): StoreHealth {
    const full = this.#quotaBytes > 0 && this.#used > this.#quotaBytes;
    const alarm = full ? new NoSpaceError('quota', quotaExceeded(this.#used, this.#quotaBytes)) : undefined;
    return { alarm, usedBytes: this.#used, quotaBytes: this.#quotaBytes };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hub.close();
  }

  #commit(event: StoreEvent): void {
    this.#log.push(event);
    if (event.type === 'put') this.#used += sizeOf(event.record);
    this.#hub.publish([event]);
  }

  /** The records as they stood at `revision`: today's, with every later event undone. */
  #asOf(revision: number): ReadonlyMap<string, StoreRecord> {
    this.#assertRetained(revision);
    if (revision === this.#revision) return this.#current;
    const records = new Map(this.#current);
    for (let index = this.#log.length - 1; index >= 0; index--) {
      const event = this.#log[index];
      if (event === undefined || event.record.revision <= revision) break;
      if (event.previous === undefined) records.delete(event.record.key);
      else records.set(event.record.key, event.previous);
    }
    return records;
  }

  #assertRetained(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.#compacted) throw new CompactedError(this.#compacted);
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('Store is closed');
  }
}

function sizeOf({ key, value }: StoreRecord): number {
  return key.length + value.length;
}

function refused(current: StoreRecord | undefined): WriteOutcome {
  return current === undefined ? { ok: false } : { ok: false, current };
}

/** UTF-8 order, which UTF-16 comparison leaves beyond the Basic Multilingual Plane. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
