// A container's log as a stream of text: what is in the files, then, when asked, every line as it is written.
// Knows log files and the runtime's live lines; knows no HTTP.
import { readFileSync } from 'node:fs';
import { LOG_ROTATED_KEPT } from '../process/log-file.ts';
import type { LogTail, Runtime } from '../runtime.ts';
import { type LogQuery, renderLogLine } from './log-line.ts';

/** Bytes of a follower that has not read them yet, beyond which it is cut off rather than kept in memory. */
const MAX_BEHIND = 16 * 1024 * 1024;

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function storedLines(logPath: string): string[] {
  let text = '';
  for (let index = LOG_ROTATED_KEPT; index > 0; index--) text += fileText(`${logPath}.${index}`);
  text += fileText(logPath);
  const lines = text.split('\n');
  lines.pop();
  return lines;
}

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
  // Files are read and the live lines joined within one turn of the loop, so no line is lost or doubled.
  const stored = storedLines(logPath);
  const tail: LogTail | undefined = query.follow ? runtime.follow(logPath, live) : undefined;
  let texts = stored.map((line) => renderLogLine(line, query)).filter((text) => text !== '');
  if (query.tailLines !== undefined) texts = query.tailLines === 0 ? [] : texts.slice(-query.tailLines);
  if (texts.length > 0) sink.write(limit.take(texts.join('')));
  if (tail === undefined || limit.usedUp) {
    tail?.stop();
    return;
  }
  await Promise.race([tail.ended, sink.closed, overflow.promise]);
  tail.stop();
}
