// How far a backup or a restore is: one line that changes on a terminal, nothing where nobody watches.
// Knows numbers only.
import type { Writable } from 'node:stream';

export interface Progress {
  at(done: number, total: number): void;
  /** Leaves the line to what is said next. */
  end(): void;
}

/** `verb` as in `Saved 500 of 1200 objects`. */
export function progressOn(stream: Writable & { readonly isTTY?: boolean }, verb: string): Progress {
  if (stream.isTTY !== true) return { at() {}, end() {} };
  let shown = '';
  return {
    at(done, total) {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      const line = `${verb} ${done} of ${total} objects (${percent}%)`;
      if (line === shown) return;
      shown = line;
      stream.write(`\r\u001b[K${line}`);
    },
    end() {
      if (shown !== '') stream.write('\r\u001b[K');
    },
  };
}
