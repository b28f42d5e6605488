// A container's output as CRI log lines in a file that is rotated by size.
// Knows nothing of processes; bytes come in through streams' chunks.
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '#lib/clock.ts';

/** Size at which a log file is put aside, in bytes. */
export const LOG_ROTATE_BYTES = 10 * 1024 * 1024;
/** Rotated files kept beside the current one, as upstream five in all: `0.log.1` is the youngest. */
export const LOG_ROTATED_KEPT = 4;
/** Longer lines are split and marked partial, as container runtimes do. */
const MAX_LINE = 16 * 1024;

export type LogStream = 'stdout' | 'stderr';

interface Partial {
  readonly decoder: StringDecoder;
  rest: string;
}

/** RFC 3339 with nanoseconds: wall milliseconds, and a counter so that no two lines carry the same time. */
class Stamps {
  readonly #clock: Clock;
  #last = 0;
  #nanos = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): string {
    const now = this.#clock.wall();
    if (now > this.#last) {
      this.#last = now;
      this.#nanos = 0;
    } else {
      this.#nanos += 1;
      if (this.#nanos > 999_999) {
        this.#last += 1;
        this.#nanos = 0;
      }
    }
    return `${new Date(this.#last).toISOString().slice(0, -1)}${String(this.#nanos).padStart(6, '0')}Z`;
  }
}

/** Appends synchronously: what a reader finds in the file is always a whole number of lines. */
export class LogFile {
  readonly path: string;
  readonly ended: Promise<void>;
  readonly #rotateBytes: number;
  readonly #stamps: Stamps;
  readonly #partial = new Map<LogStream, Partial>();
  readonly #listeners = new Set<(line: string) => void>();
  #end: () => void = () => {};
  #fd: number;
  #size: number;

  constructor(path: string, clock: Clock, rotateBytes = LOG_ROTATE_BYTES) {
    this.path = path;
    this.#rotateBytes = rotateBytes;
    this.#stamps = new Stamps(clock);
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, 'a', 0o640);
    this.#size = fstatSync(this.#fd).size;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Takes output as it comes, in chunks that may end anywhere. */
  write(stream: LogStream, chunk: Buffer): void {
    let partial = this.#partial.get(stream);
    if (partial === undefined) {
      partial = { decoder: new StringDecoder('utf8'), rest: '' };
      this.#partial.set(stream, partial);
    }
    const lines = (partial.rest + partial.decoder.write(chunk)).split('\n');
    partial.rest = lines.pop() ?? '';
    let block = '';
    for (const line of lines) block += this.#format(stream, line);
    while (partial.rest.length > MAX_LINE) {
      block += this.#line(stream, 'P', partial.rest.slice(0, MAX_LINE));
      partial.rest = partial.rest.slice(MAX_LINE);
    }
    this.#append(block);
  }

  /** Writes what is left of unfinished lines and closes the file. */
  close(): void {
    if (this.#fd < 0) return;
    for (const [stream, partial] of this.#partial) {
      const rest = partial.rest + partial.decoder.end();
      if (rest !== '') this.#append(this.#format(stream, rest));
    }
    closeSync(this.#fd);
    this.#fd = -1;
    this.#listeners.clear();
    this.#end();
  }

  /** Calls `fn` with every line written from now on, line end included. */
  listen(fn: (line: string) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  #format(stream: LogStream, line: string): string {
    let rest = line;
    let block = '';
    while (rest.length > MAX_LINE) {
      block += this.#line(stream, 'P', rest.slice(0, MAX_LINE));
      rest = rest.slice(MAX_LINE);
    }
    return block + this.#line(stream, 'F', rest);
  }

  #line(stream: LogStream, tag: 'P' | 'F', text: string): string {
    const line = `${this.#stamps.next()} ${stream} ${tag} ${text}\n`;
    for (const listener of this.#listeners) listener(line);
    return line;
  }

  #append(block: string): void {
    if (block === '' || this.#fd < 0) return;
    this.#size += writeSync(this.#fd, block);
    if (this.#size >= this.#rotateBytes) this.#rotate();
  }

  #rotate(): void {
    closeSync(this.#fd);
    rmSync(`${this.path}.${LOG_ROTATED_KEPT}`, { force: true });
    for (let index = LOG_ROTATED_KEPT - 1; index >= 0; index--) {
      const from = index === 0 ? this.path : `${this.path}.${index}`;
      try {
        renameSync(from, `${this.path}.${index + 1}`);
      } catch (error) {
        // The first rotations find fewer files than are kept later.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    this.#fd = openSync(this.path, 'a', 0o640);
    this.#size = 0;
  }
}
