// Bytes as lines of text, however they are cut; and a backup's file as its lines.
// Knows line breaks and gzip; what a line says is format.ts.
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BackupError } from './format.ts';

const BREAK = 10;

/** The lines of UTF-8 bytes, without their breaks. Text behind the last break is a line as well. */
export async function* eachLine(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  let parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(BREAK); end >= 0; end = chunk.indexOf(BREAK, start)) {
      parts.push(chunk.subarray(start, end));
      yield Buffer.concat(parts).toString();
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield Buffer.concat(parts).toString();
}

/** The lines of a compressed backup. Throws `BackupError` where it is damaged or cut short. */
export async function* unpackedLines(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  // What goes wrong on either side comes out where the lines are read.
  const unpacked = pipeline(Readable.from(compressed), createGunzip(), () => {});
  try {
    yield* eachLine(unpacked);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'Z_BUF_ERROR') throw new BackupError('it has been cut short', error);
    if (typeof code === 'string' && code.startsWith('Z_')) {
      throw new BackupError(`it is damaged, or no backup of Evenkeel (${(error as Error).message})`, error);
    }
    throw error;
  }
}
