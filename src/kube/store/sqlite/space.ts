// Whether there is room for writes: the quota, a disk that is full, and the moment when there is room again.
// Knows pages and errors of SQLite; who writes what is not its matter.
import type { DatabaseSync } from 'node:sqlite';
import type { Cancel, Clock } from '#lib/clock.ts';
import { diskFailed, diskFull, quotaExceeded } from '../quota.ts';
import { NoSpaceError, type StoreHealth } from '../store.ts';

const IO_ERROR = 10;
const FULL = 13;
const MOST_BYTES_A_CHARACTER = 3;
/** What a row can take beyond its value: parts of pages, keys, and pages of indexes that have to be split. */
const MOST_PAGES_BYTES = 64 * 1024;
/** How often a disk that was full is asked whether it takes a write again. */
const PROBE_EVERY_MS = 2_000;

export interface SpaceOptions {
  readonly file: string;
  readonly quotaBytes: number;
  readonly clock: Clock;
  /** A write as small as can be, which throws when there is no room. */
  readonly probe: () => void;
}

export class Space {
  readonly #options: SpaceOptions;
  readonly #used: () => number;
  /** What may be added for sure until pages are counted again, in bytes: counting costs as much as writing does. */
  #headroom = 0;
  #disk: NoSpaceError | undefined;
  #stopProbing: Cancel = () => {};

  constructor(database: DatabaseSync, options: SpaceOptions) {
    this.#options = options;
    const pages = database.prepare('PRAGMA page_count');
    const free = database.prepare('PRAGMA freelist_count');
    const pageSize = Number(database.prepare('PRAGMA page_size').get()?.page_size);
    this.#used = () => (Number(pages.get()?.page_count) - Number(free.get()?.freelist_count)) * pageSize;
  }

  health(): StoreHealth {
    const usedBytes = this.#used();
    return { alarm: this.#disk ?? this.#overQuota(usedBytes), usedBytes, quotaBytes: this.#options.quotaBytes };
  }

  /** Why these values may not be added now. */
  refusal(values: readonly string[]): NoSpaceError | undefined {
    if (this.#options.quotaBytes === 0) return undefined;
    const most = values.reduce((sum, { length }) => sum + length * MOST_BYTES_A_CHARACTER + MOST_PAGES_BYTES, 0);
    if (most <= this.#headroom) {
      this.#headroom -= most;
      return undefined;
    }
    const used = this.#used();
    this.#headroom = Math.max(0, this.#options.quotaBytes - used - most);
    return this.#overQuota(used);
  }

  /** A commit has worked. */
  worked(): void {
    if (this.#disk === undefined) return;
    this.#disk = undefined;
    this.close();
  }

  /** What writers are told of a commit that failed. */
  failed(error: unknown): unknown {
    const { file, clock, probe } = this.#options;
    const code = Number((error as { errcode?: unknown }).errcode) & 0xff;
    if (code !== FULL && code !== IO_ERROR) return error;
    const text = code === FULL ? diskFull(file) : diskFailed(file, (error as Error).message);
    if (this.#disk === undefined) {
      // Where nobody writes, nobody would find out that there is room again.
      this.#stopProbing = clock.every(PROBE_EVERY_MS, () => {
        try {
          probe();
          this.worked();
        } catch {
          // Still no room: that is what the alarm says.
        }
      });
    }
    this.#disk = new NoSpaceError('disk', text, error);
    return this.#disk;
  }

  close(): void {
    this.#stopProbing();
    this.#stopProbing = () => {};
  }

  #overQuota(used: number): NoSpaceError | undefined {
    const { quotaBytes } = this.#options;
    if (quotaBytes === 0 || used <= quotaBytes) return undefined;
    return new NoSpaceError('quota', quotaExceeded(used, quotaBytes));
  }
}
