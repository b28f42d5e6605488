// The lines of a log file and of those it was rotated to, oldest first, in pieces; for the last lines only from there on.
// Knows files; opened ones stay what they are, however the log is rotated or removed meanwhile.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LOG_ROTATED_KEPT } from '../process/log-file.ts';

const PIECE = 256 * 1024;
const NEWLINE = 0x0a;

interface File {
  readonly fd: number;
  readonly size: number;
}

export class StoredLines implements Iterable<string[]> {
  readonly #files: File[] = [];
  readonly #tail: number | undefined;

  /** `tail`: how many of the last lines are wanted. Opens what is there; a file that is missing is empty. */
  constructor(logPath: string, tail: number | undefined) {
    this.#tail = tail;
    for (let index = LOG_ROTATED_KEPT; index >= 0; index--) {
      try {
        const fd = openSync(index === 0 ? logPath : `${logPath}.${index}`, 'r');
        this.#files.push({ fd, size: fstatSync(fd).size });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  /** Whole lines, without their ends; an unfinished last line is left out. */
  *[Symbol.iterator](): Generator<string[]> {
    const start = this.#start();
    for (const [index, { fd, size }] of this.#files.entries()) {
      if (index < start.index) continue;
      let rest: Buffer = Buffer.alloc(0);
      for (let at = index === start.index ? start.at : 0; at < size; ) {
        const piece = readAt(fd, at, Math.min(PIECE, size - at));
        if (piece.length === 0) break;
        at += piece.length;
        const bytes = Buffer.concat([rest, piece]);
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        rest = bytes.subarray(end);
        if (end > 0) yield bytes.toString('utf8', 0, end - 1).split('\n');
      }
    }
  }

  close(): void {
    for (const { fd } of this.#files.splice(0)) closeSync(fd);
  }

  /** Where the wanted lines begin: found from the end, so that a long log costs no more than its last lines. */
  #start(): { index: number; at: number } {
    if (this.#tail === undefined) return { index: 0, at: 0 };
    let left = this.#tail;
    for (let index = this.#files.length - 1; index >= 0; index--) {
      const { fd, size } = this.#files[index] as File;
      for (let end = size; end > 0; ) {
        const from = Math.max(0, end - PIECE);
        const piece = readAt(fd, from, end - from);
        for (let at = piece.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : piece.lastIndexOf(NEWLINE, at - 1)) {
          // The end of the line before the first that is wanted.
          if (left === 0) return { index, at: from + at + 1 };
          left -= 1;
        }
        end = from;
      }
    }
    return { index: 0, at: 0 };
  }
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}
