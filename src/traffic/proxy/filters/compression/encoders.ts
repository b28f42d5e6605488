// The compressors of Node.js, set to cost little memory and time: an answer in transit, not an archive.
// Knows nothing of HTTP.

import type { Transform } from 'node:stream';
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import type { Coding } from './negotiate.ts';

/** A compressor that can be told to give out what it holds. */
export interface Encoder extends Transform {
  flush(callback: () => void): void;
  flush(kind: number, callback: () => void): void;
}

/** Of one worker at a time: clients that read slowly must not fill the memory with compressors. */
export const MAX_OPEN = 256;

let open = 0;

/** Undefined while there are as many as there may be: better a longer answer than none. */
export function openEncoder(coding: Coding): Encoder | undefined {
  if (open >= MAX_OPEN) return undefined;
  open++;
  return createEncoder(coding).once('close', () => {
    open--;
  });
}

/** Windows of 32 KiB to 512 KiB: a response costs at most about a megabyte while it passes. */
function createEncoder(coding: Coding): Encoder {
  if (coding === 'gzip') return createGzip({ level: 5 });
  if (coding === 'br') {
    return createBrotliCompress({
      params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 },
    });
  }
  return createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_windowLog]: 19 },
  });
}

const flushKinds: Readonly<Record<Coding, number>> = {
  gzip: constants.Z_SYNC_FLUSH,
  br: constants.BROTLI_OPERATION_FLUSH,
  zstd: constants.ZSTD_e_flush,
};

/** Has the encoder give out all that came so far, in a form that the client can already read. */
export function flushEncoder(encoder: Encoder, coding: Coding, done: () => void): void {
  encoder.flush(flushKinds[coding], done);
}
