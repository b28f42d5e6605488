// One header field as it came, checked once: an indexed field is looked at when it enters the table, never again.
// Knows the rules for single fields (RFC 9113, 8.2); what a whole message needs is not its business.

import { CHARS, HTAB, SP, TOKEN, VALUE } from '../../http1/chars.ts';
import { CONNECTION, KEEP_ALIVE, knownHeader, TRANSFER_ENCODING, UPGRADE } from '../../http1/known-headers.ts';

/** Kinds beside the ids of known headers; the first two are relayed like any other. */
export const CONTENT_TYPE = 57;
export const GRPC_TIMEOUT = 58;
export const COOKIE = 59;
/** No message may carry it: a malformed name or value, or a field that only a connection of HTTP/1.1 knows. */
export const MALFORMED = 60;
export const METHOD = 61;
export const SCHEME = 62;
export const AUTHORITY = 63;
export const PATH = 64;
export const PROTOCOL = 65;
export const STATUS = 66;
const pseudo: Readonly<Record<string, number>> = {
  ':method': METHOD,
  ':scheme': SCHEME,
  ':authority': AUTHORITY,
  ':path': PATH,
  ':protocol': PROTOCOL,
  ':status': STATUS,
};

const specials = new Map([
  ['content-type', CONTENT_TYPE],
  ['grpc-timeout', GRPC_TIMEOUT],
  ['cookie', COOKIE],
  ['proxy-connection', MALFORMED],
]);

export class Field {
  readonly name: string;
  readonly value: string;
  readonly kind: number;
  #line = '';

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    this.kind = kindOf(name, value);
  }

  /** As HPACK and SETTINGS_MAX_HEADER_LIST_SIZE count it. */
  get size(): number {
    return this.name.length + this.value.length + 32;
  }

  /** As a header line of HTTP/1.1. */
  get line(): string {
    if (this.#line === '') this.#line = `${this.name}: ${this.value}\r\n`;
    return this.#line;
  }
}

function kindOf(name: string, value: string): number {
  const length = value.length;
  for (let i = 0; i < length; i++) {
    if (((CHARS[value.charCodeAt(i)] as number) & VALUE) === 0) return MALFORMED;
  }
  if (length > 0 && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1)))) return MALFORMED;
  if (name.charCodeAt(0) === 58 /* : */) return pseudo[name] ?? MALFORMED;
  if (name === '') return MALFORMED;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (((CHARS[code] as number) & TOKEN) === 0 || (code >= 65 && code <= 90)) return MALFORMED;
  }
  const special = specials.get(name);
  if (special !== undefined) return special;
  const id = knownHeader(name, 0, name.length);
  if (id === CONNECTION || id === TRANSFER_ENCODING || id === UPGRADE || id === KEEP_ALIVE) return MALFORMED;
  return id;
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}
