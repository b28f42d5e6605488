// Writes a line a request, many lines a write, never holding up a request; opens its file anew when it was moved away.
// Knows which requests are worth a line by how they ended; what a line says, access-line.ts knows.

import { closeSync, fstatSync, openSync, stat, write, writeSync } from 'node:fs';
import type { Cancel, Clock } from '#lib/clock.ts';
import { lineWriter, type WriteLine } from './access-line.ts';
import type { AccessLogSettings, AccessRecord } from './access-record.ts';

/** Lines wait at most this many milliseconds. */
const FLUSH_EVERY = 200;
/** Characters after which they no longer wait. */
const FLUSH_AT = 64 * 1024;
/** Characters held while the file is slower than the traffic; lines beyond are dropped and counted. */
const HOLD_AT_MOST = 4 * 1024 * 1024;
/** Milliseconds between two looks at whether the file is still where it was. */
const LOOK_EVERY = 1000;
const STDOUT = 1;

export class AccessLog {
  /** Lines lost because the file was too slow, or could not be written. */
  dropped = 0;
  /** Whether a line says what only headers tell. */
  readonly readsHeaders: boolean;
  readonly #settings: AccessLogSettings;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #line: WriteLine;
  readonly #cancels: Cancel[];
  #fd: number;
  /** One that is written to no more, as soon as what is under way has ended. */
  #old: number | undefined;
  #text = '';
  #lines = 0;
  #writing = false;
  #closing = false;

  /** The file is opened for appending; `-` is standard output. Throws what opening throws. `random` is in [0, 1). */
  constructor(settings: AccessLogSettings, clock: Clock, random: () => number = Math.random) {
    const { file, fields } = settings;
    this.#settings = settings;
    this.#fd = file === '-' ? STDOUT : openFile(file);
    this.#clock = clock;
    this.#random = random;
    this.#line = lineWriter(settings);
    this.readsHeaders = fields.includes('userAgent') || fields.includes('referer');
    this.#cancels = [clock.every(FLUSH_EVERY, () => this.#flush())];
    if (file !== '-') this.#cancels.push(clock.every(LOOK_EVERY, () => this.#look()));
  }

  /** Whether a request that ended like this has a line: failures and slow ones always, of the others a share. */
  wants(status: number, durationMs: number): boolean {
    const { ratio, slow } = this.#settings;
    return ratio >= 1 || status >= 500 || (slow > 0 && durationMs >= slow) || this.#random() < ratio;
  }

  write(record: AccessRecord): void {
    if (this.#closing || this.#text.length > HOLD_AT_MOST) {
      this.dropped++;
      return;
    }
    this.#text += this.#line(record, this.#clock.wall());
    this.#lines++;
    if (this.#text.length > FLUSH_AT) this.#flush();
  }

  /** Goes on in a file of the same name, made anew where there is none; in the one it has, where none can be had. */
  reopen(): void {
    const { file } = this.#settings;
    if (file === '-' || this.#closing) return;
    let next: number;
    try {
      next = openFile(file);
    } catch {
      return;
    }
    // The one before may still be written to; a second change in that time finds one to close already.
    if (this.#old !== undefined) closeSync(this.#fd);
    else if (this.#writing) this.#old = this.#fd;
    else closeSync(this.#fd);
    this.#fd = next;
  }

  /** Writes what is left, and closes the file; both wait for a write that is under way. */
  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#closing = true;
    if (!this.#writing) this.#finish();
  }

  /** A file that was renamed or removed is somebody else's from then on. */
  #look(): void {
    stat(this.#settings.file, (error, found) => {
      if (this.#closing) return;
      const own = fstatSync(this.#fd);
      if (error?.code === 'ENOENT' || (error === null && (found.ino !== own.ino || found.dev !== own.dev)))
        this.reopen();
    });
  }

  #finish(): void {
    try {
      if (this.#text !== '') writeSync(this.#fd, this.#text);
    } catch {
      // A full disk must not keep the proxy from ending: the lines are counted as lost, like any others.
      this.dropped += this.#lines;
    }
    this.#text = '';
    this.#lines = 0;
    if (this.#fd !== STDOUT) closeSync(this.#fd);
  }

  #flush(): void {
    if (this.#writing || this.#text === '') return;
    const bytes = Buffer.from(this.#text);
    const lines = this.#lines;
    this.#text = '';
    this.#lines = 0;
    this.#writing = true;
    this.#append(this.#fd, bytes, lines);
  }

  #append(fd: number, bytes: Buffer, lines: number): void {
    write(fd, bytes, (error, written) => {
      if (error === null && written < bytes.length) {
        this.#append(fd, bytes.subarray(written), lines);
        return;
      }
      if (error !== null) this.dropped += lines;
      this.#writing = false;
      if (this.#old !== undefined) closeSync(this.#old);
      this.#old = undefined;
      if (this.#closing) this.#finish();
    });
  }
}

function openFile(path: string): number {
  return openSync(path, 'a', 0o640);
}
