// The store's contract: a revisioned key space that can be listed and watched from any retained revision.
// Knows neither Kubernetes nor SQL; one test suite holds every implementation to these words.

/** One key at one revision. `value` is the encoded object; the store never looks inside. */
export interface StoreRecord {
  readonly key: string;
  readonly value: string;
  /** Revision of the last write to this key. */
  readonly revision: number;
  readonly createRevision: number;
}

/** `previous` is absent on creation; on deletion `record.value` is the last value and `record.revision` that of the deletion. */
export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly record: StoreRecord;
  readonly previous?: StoreRecord;
}

export interface RangeOptions {
  /** Read as of this revision; default the current one. */
  readonly revision?: number;
  readonly limit?: number;
  /** Only keys after this one. */
  readonly after?: string;
  /** Do not count what comes after: `remaining` is then 1 where there is more. */
  readonly uncounted?: boolean;
}

export interface RangeResult {
  readonly records: readonly StoreRecord[];
  /** The revision that the result is exact for. */
  readonly revision: number;
  /** Keys that match after the last one returned. */
  readonly remaining: number;
}

export interface StoreWatch {
  close(): void;
}

export type WriteOutcome =
  | { readonly ok: true; readonly revision: number }
  /** `current` is what stands there now; absent when the key does not exist. */
  | { readonly ok: false; readonly current?: StoreRecord };

/** A revision that compaction has removed. */
export class CompactedError extends Error {
  readonly compacted: number;
  constructor(compacted: number) {
    super(`Revision is older than the oldest retained revision ${compacted}`);
    this.name = 'CompactedError';
    this.compacted = compacted;
  }
}

/** A revision that has not been written yet. */
export class FutureRevisionError extends Error {
  readonly current: number;
  constructor(current: number) {
    super(`Revision is newer than the current revision ${current}`);
    this.name = 'FutureRevisionError';
    this.current = current;
  }
}

/** Why writes are refused; `quota`: the store has reached its limit, `disk`: its disk takes no more. */
export type StoreAlarm = 'quota' | 'disk';

/** A write that is refused because there is no room for it; reads go on, and nothing that was stored is lost. */
export class NoSpaceError extends Error {
  readonly alarm: StoreAlarm;
  constructor(alarm: StoreAlarm, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'NoSpaceError';
    this.alarm = alarm;
  }
}

/** What is stored under a key is not what was written. */
export class DamagedRecordError extends Error {
  readonly key: string;
  constructor(key: string, revision: number) {
    super(`The stored data of "${key}" at revision ${revision} is damaged: it is not what was written`);
    this.name = 'DamagedRecordError';
    this.key = key;
  }
}

export interface StoreHealth {
  /** Undefined while writes are taken. */
  readonly alarm: NoSpaceError | undefined;
  /** What keys, values and history take, in bytes. */
  readonly usedBytes: number;
  /** From which on only deletions are taken; 0: there is none. */
  readonly quotaBytes: number;
}

/** As etcd's default. */
export const DEFAULT_QUOTA_BYTES = 2 * 1024 ** 3;

export interface Store {
  /** Revision of the last write; 1 for a new store. */
  revision(): number;
  get(key: string): StoreRecord | undefined;
  /** Keys that begin with `prefix`, in byte order. Throws `CompactedError`, `FutureRevisionError`. */
  range(prefix: string, options?: RangeOptions): RangeResult;
  /**
   * Writes `value` when the key's revision is `expected` (0: must not exist). Resolves once the write is durable;
   * many writes share one commit. Watchers see it only after that. Rejects with `NoSpaceError`.
   */
  put(key: string, value: string, expected: number): Promise<WriteOutcome>;
  /** Deletes the key when its revision is `expected`. */
  delete(key: string, expected: number): Promise<WriteOutcome>;
  /**
   * Calls `listener` with every event after revision `after`, in order, without gaps. Throws `CompactedError` at once
   * when history no longer reaches back to it. The listener must not throw and must not block.
   */
  watch(prefix: string, after: number, listener: (events: readonly StoreEvent[]) => void): StoreWatch;
  /** Forgets history up to and including `revision`, and no further than what is held; current values stay. */
  compact(revision: number): Promise<void>;
  /** Keeps what is current now readable at the revision it returns, until it is released. */
  hold(): { readonly revision: number; release(): void };
  health(): StoreHealth;
  /** Oldest revision from which a watch may start. */
  compacted(): number;
  close(): Promise<void>;
}
