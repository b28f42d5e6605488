// Appends lines to a file that is set aside when it is large: behind the requests, never in their way.
// Knows texts and files; nothing of what is written.
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';

export interface FileSinkOptions {
  readonly path: string;
  /** In bytes: a file that would grow past it is renamed, and a new one begun. Upstream: --audit-log-maxsize. */
  readonly maxBytes: number;
  /** How many of those set aside are kept; 0 keeps all. Upstream: --audit-log-maxbackup. */
  readonly maxBackups: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface LineSink {
  /** Returns at once. */
  write(line: string): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** What may wait for a slow disk; later lines are left out, and told of. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Rejects when the file cannot be opened. */
export async function openFileSink(options: FileSinkOptions): Promise<LineSink> {
  await mkdir(dirname(options.path), { recursive: true });
  const handle = await openAppending(options.path);
  return new FileSink(options, handle, (await handle.stat()).size);
}

/** Requests and answers may hold what is nobody else's business. */
function openAppending(path: string): Promise<FileHandle> {
  return open(path, 'a', 0o600);
}

class FileSink implements LineSink {
  readonly #options: FileSinkOptions;
  #handle: FileHandle;
  #size: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #left = 0;
  /** When the last file was set aside. */
  #aside = 0;
  #writing: Promise<void> | undefined;

  constructor(options: FileSinkOptions, handle: FileHandle, size: number) {
    this.#options = options;
    this.#handle = handle;
    this.#size = size;
  }

  write(line: string): void {
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.#left += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#handle.close();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(batch);
      } catch (error) {
        this.#options.log.error({ error, path: this.#options.path, lines: batch.length }, 'Cannot write the audit log');
      }
      if (this.#left > 0) {
        this.#options.log.warn({ lines: this.#left }, 'The audit log fell behind: lines were left out');
        this.#left = 0;
      }
    }
  }

  /** A file that is full ends with a whole line. */
  async #append(lines: readonly string[]): Promise<void> {
    let text: string[] = [];
    let bytes = 0;
    for (const line of lines) {
      const length = Buffer.byteLength(line) + 1;
      if (this.#size + bytes > 0 && this.#size + bytes + length > this.#options.maxBytes) {
        await this.#put(text, bytes);
        text = [];
        bytes = 0;
        await this.#rotate();
      }
      text.push(`${line}\n`);
      bytes += length;
    }
    await this.#put(text, bytes);
  }

  async #put(text: readonly string[], bytes: number): Promise<void> {
    if (text.length === 0) return;
    await this.#handle.appendFile(text.join(''));
    this.#size += bytes;
  }

  async #rotate(): Promise<void> {
    const { path, clock, maxBackups } = this.#options;
    await this.#handle.close();
    const end = extname(path);
    const stem = `${basename(path, end)}-`;
    // As upstream's logs are called, so that tools for those find these; two of one millisecond must not meet.
    this.#aside = Math.max(clock.wall(), this.#aside + 1);
    const time = new Date(this.#aside).toISOString().slice(0, -1).replaceAll(':', '-');
    await rename(path, join(dirname(path), `${stem}${time}${end}`));
    this.#handle = await openAppending(path);
    this.#size = 0;
    if (maxBackups === 0) return;
    for (const name of (await this.#backups(stem, end)).slice(0, -maxBackups)) await unlink(join(dirname(path), name));
  }

  /** Oldest first: their names begin with the time. */
  async #backups(stem: string, end: string): Promise<string[]> {
    const names = await readdir(dirname(this.#options.path));
    return names.filter((name) => name.startsWith(stem) && name.endsWith(end)).sort();
  }
}
