// The streams of one exec or attach, whichever protocol the client came by.
// Types, and what both protocols do at the end; knows no process.
import type { Readable, Writable } from 'node:stream';
import type { Outcome } from './outcome.ts';
import type { TerminalSize } from './resize.ts';

/** The streams a client asks for. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface RemoteCommand {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Sizes of the client's terminal, the last one at once. */
  onSize(fn: (size: TerminalSize) => void): void;
  /** Resolves when the client is gone. */
  readonly closed: Promise<unknown>;
  /** Says how it ended, when everything written before has gone out, and ends the connection. */
  finish(outcome: Outcome): Promise<void>;
}

/** Keeps the last size for whoever comes later. */
export class Sizes {
  #last: TerminalSize | undefined;
  #fn: ((size: TerminalSize) => void) | undefined;

  take(size: TerminalSize): void {
    this.#last = size;
    this.#fn?.(size);
  }

  listen(fn: (size: TerminalSize) => void): void {
    this.#fn = fn;
    if (this.#last !== undefined) fn(this.#last);
  }
}

/** Resolves when all was written, or nothing can be any more. */
export function flushed(stream: Writable | undefined): Promise<void> {
  if (stream === undefined || stream.destroyed || stream.writableFinished) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.end(resolve);
  });
}
