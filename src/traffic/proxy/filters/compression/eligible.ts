// Which responses gain by compression and may be compressed at all, and what it does to their heads.
// Knows nothing of clients; bytes are `compressed-response.ts`.

import type { CompressionPolicy } from '#traffic/model/ir.ts';
import { fieldValue, removeFields } from '../../http/head-edits.ts';
import type { ResponseHead } from '../../http1/response-head.ts';
import { varyBy } from '../cors.ts';
import type { Coding } from './negotiate.ts';

/** A policy made ready. */
export class Eligibility {
  readonly #minBytes: number;
  readonly #types = new Set<string>();

  constructor({ minBytes, contentTypes }: CompressionPolicy) {
    this.#minBytes = minBytes;
    for (const type of contentTypes) this.#types.add(type.trim().toLowerCase());
  }

  /** Whether some client would get this response compressed; others then have to be told by `Vary`. */
  covers(head: ResponseHead): boolean {
    const { status, contentLength } = head;
    if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
    if (contentLength >= 0 && contentLength < Math.max(this.#minBytes, 1)) return false;
    if (!this.#takes(fieldValue(head, 'content-type'))) return false;
    const coded = fieldValue(head, 'content-encoding');
    if (coded !== undefined && coded.toLowerCase() !== 'identity') return false;
    if (/(?:^|[\s,])no-transform(?:$|[\s,;])/i.test(fieldValue(head, 'cache-control') ?? '')) return false;
    // Digests are of the bytes as they are; parts of them are counted by the bytes as they are.
    return !digests.some((name) => fieldValue(head, name) !== undefined);
  }

  #takes(contentType: string | undefined): boolean {
    if (contentType === undefined) return false;
    const type = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
    return this.#types.has(type) || this.#types.has(`${type.split('/', 1)[0]}/*`) || this.#types.has('*/*');
  }
}

const digests = ['content-digest', 'repr-digest', 'digest', 'content-md5', 'content-range'];

/** Belongs to the bytes as they were. */
const gone: ReadonlySet<string> = new Set(['content-encoding', 'accept-ranges']);

export function announceVariants(head: ResponseHead): void {
  varyBy(head, 'Accept-Encoding');
}

export function announceCoding(head: ResponseHead, coding: Coding): void {
  removeFields(head, gone);
  head.added += `Content-Encoding: ${coding}\r\n`;
  head.contentLength = -1;
  head.chunked = true;
  weakenTag(head);
}

const etag: ReadonlySet<string> = new Set(['etag']);

/** The same page in other bytes: a strong tag would promise the same bytes (RFC 9110, 8.8.1). */
export function weakenTag(head: ResponseHead): void {
  const tag = fieldValue(head, 'etag');
  if (tag === undefined || !tag.startsWith('"')) return;
  removeFields(head, etag);
  head.added += `ETag: W/${tag}\r\n`;
}
