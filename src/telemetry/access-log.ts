// Writes one JSON line a request, many lines a write, never holding up a request.
// Knows nothing of the fields; a line is whatever plain record it is given.

import { closeSync, openSync, write, writeSync } from 'node:fs';
import type { Cancel, Clock } from '#lib/clock.ts';

/** Lines wait at most this many milliseconds. */
const FLUSH_EVERY = 200;
/** Characters after which they no longer wait. */
const FLUSH_AT = 64 * 1024;
/** Characters held while the file is slower than the traffic; lines beyond are dropped and counted. */
const HOLD_AT_MOST = 4 * 1024 * 1024;

export class AccessLog {
  /** Lines lost because the file was too slow, or could not be written. */
  dropped = 0;
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #cancel: Cancel;
  #text = '';
  #lines = 0;
  #writing = false;
  #closing = false;

  /** `path` is opened for appending; `-` is standard output. Throws what opening throws. */
  constructor(path: string, clock: Clock) {
    this.#fd = path === '-' ? 1 : openSync(path, 'a', 0o640);
    this.#clock = clock;
    this.#cancel = clock.every(FLUSH_EVERY, () => this.#flush());
  }

  write(record: object): void {
    if (this.#closing || this.#text.length > HOLD_AT_MOST) {
      this.dropped++;
      return;
    }
    this.#text += `${JSON.stringify({ time: new Date(this.#clock.wall()).toISOString(), ...record })}\n`;
    this.#lines++;
    if (this.#text.length > FLUSH_AT) this.#flush();
  }

  /** Writes what is left, and closes the file; both wait for a write that is under way. */
  close(): void {
    this.#cancel();
    this.#closing = true;
    if (!this.#writing) this.#finish();
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
    if (this.#fd !== 1) closeSync(this.#fd);
  }

  #flush(): void {
    if (this.#writing || this.#text === '') return;
    const bytes = Buffer.from(this.#text);
    const lines = this.#lines;
    this.#text = '';
    this.#lines = 0;
    this.#writing = true;
    this.#append(bytes, lines);
  }

  #append(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, (error, written) => {
      if (error === null && written < bytes.length) {
        this.#append(bytes.subarray(written), lines);
        return;
      }
      if (error !== null) this.dropped += lines;
      this.#writing = false;
      if (this.#closing) this.#finish();
    });
  }
}
