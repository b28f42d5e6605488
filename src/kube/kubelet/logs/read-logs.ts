// A container's log as a stream of text: what is in the files, then, when asked, every line as it is written.
// Knows log files and the runtime's live lines; knows no HTTP.
import type { LogTail, Runtime } from '../runtime.ts';
import { type LogQuery, renderLogLine } from './log-line.ts';
import { StoredLines } from './stored-lines.ts';

/** Bytes of a follower that has not read them yet, beyond which it is cut off rather than kept in memory. */
const MAX_BEHIND = 16 * 1024 * 1024;

/** Cuts chunks so that all of them together hold at most `limit` bytes; `undefined` when the limit is used up. */
class ByteLimit {
  #left: number;

  constructor(limit: number | undefined) {
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  get usedUp(): boolean {
    return this.#left <= 0;
  }

  take(text: string): Buffer {
    const bytes = Buffer.from(text, 'utf8');
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    return part;
  }
}

/** Where the text goes; `write` returns how many bytes wait to be taken. */
export interface LogSink {
  write(chunk: Buffer): number;
  /** Resolves when more may be written. */
  drained(): Promise<void>;
  /** Whether nobody reads any more. */
  gone(): boolean;
  readonly closed: Promise<void>;
}

/** Resolves when everything asked for is written, or the reader has gone. */
export async function readLogs(
  logPath: string,
  query: LogQuery,
  runtime: Pick<Runtime, 'follow'>,
  sink: LogSink,
): Promise<void> {
  const limit = new ByteLimit(query.limitBytes);
  const overflow = Promise.withResolvers<void>();
  const live = (line: string): void => {
    const text = renderLogLine(line.slice(0, -1), query);
    if (text === '' || limit.usedUp) return;
    const behind = sink.write(limit.take(text));
    if (behind > MAX_BEHIND || limit.usedUp) overflow.resolve();
  };
  // Files are opened and the live lines joined within one turn of the loop, so no line is lost or doubled.
  const stored = new StoredLines(logPath, query.tailLines);
  const early = new EarlyLines(live);
  const tail: LogTail | undefined = query.follow ? runtime.follow(logPath, (line) => early.take(line)) : undefined;
  try {
    for (const lines of stored) {
      const text = lines.map((line) => renderLogLine(line, query)).join('');
      if (text !== '') sink.write(limit.take(text));
      if (limit.usedUp) return;
      await Promise.race([sink.drained(), sink.closed]);
      if (sink.gone()) return;
    }
    early.release();
    if (tail !== undefined && !limit.usedUp) await Promise.race([tail.ended, sink.closed, overflow.promise]);
  } finally {
    stored.close();
    tail?.stop();
  }
}

/** Holds live lines back while the stored ones are on their way, and gives up when they become too many. */
class EarlyLines {
  readonly #live: (line: string) => void;
  #held: string[] | undefined = [];
  #bytes = 0;

  constructor(live: (line: string) => void) {
    this.#live = live;
  }

  take(line: string): void {
    if (this.#held === undefined) {
      this.#live(line);
      return;
    }
    this.#bytes += line.length;
    // Lines that a slow reader has not come to are dropped: the oldest of them, so that it goes on with what is new.
    this.#held.push(line);
    while (this.#bytes > MAX_BEHIND) this.#bytes -= this.#held.shift()?.length ?? this.#bytes;
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.#live(line);
  }
}
