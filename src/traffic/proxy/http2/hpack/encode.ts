// Writes header blocks as Latin-1 text, one character a byte.
// Refers to the static table only: no state to share, nothing that tells one stream of another's secrets, and any
// order of blocks is right. What that costs is bytes, not time.

import { staticNames } from './static-table.ts';

const statuses = new Map<number, string>([
  [200, '\x88'],
  [204, '\x89'],
  [206, '\x8a'],
  [304, '\x8b'],
  [400, '\x8c'],
  [404, '\x8d'],
  [500, '\x8e'],
]);

export function encodeStatus(status: number): string {
  return statuses.get(status) ?? `\x08\x03${status}`;
}

/** The beginning of a literal by name: without indexing, or never to be indexed where the value is a secret. */
const heads = new Map<string, string>();
const MAX_HEADS = 1024;
const secrets = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);

/** `name` is lower case. */
export function encodeField(name: string, value: string): string {
  const head = heads.get(name) ?? headOf(name);
  const length = value.length;
  return length < 127 ? head + String.fromCharCode(length) + value : head + encodeInteger(length, 7, 0) + value;
}

function headOf(name: string): string {
  const first = secrets.has(name) ? 0x10 : 0;
  const index = staticNames.get(name);
  const head =
    index === undefined
      ? String.fromCharCode(first) + encodeInteger(name.length, 7, 0) + name
      : encodeInteger(index, 4, first);
  // Names are the sender's choice: what is remembered of them is bounded.
  if (heads.size < MAX_HEADS && name.length <= 64) heads.set(name, head);
  return head;
}

/** `first` holds the bits ahead of the prefix. */
export function encodeInteger(value: number, prefix: number, first: number): string {
  const mask = (1 << prefix) - 1;
  if (value < mask) return String.fromCharCode(first | value);
  let text = String.fromCharCode(first | mask);
  let rest = value - mask;
  while (rest >= 0x80) {
    text += String.fromCharCode(0x80 | (rest & 0x7f));
    rest = Math.floor(rest / 0x80);
  }
  return text + String.fromCharCode(rest);
}

/**
 * The fields of the header lines `text[start, end)`, each `Name: value` with its line end, already checked. `drop`
 * names what is left out.
 */
export function encodeLines(text: string, start: number, end: number, drop?: ReadonlySet<string>): string {
  let block = '';
  let pos = start;
  while (pos < end) {
    const colon = text.indexOf(':', pos);
    const lineEnd = text.indexOf('\r\n', colon);
    if (colon < 0 || lineEnd < 0) break;
    const name = text.slice(pos, colon).toLowerCase();
    let from = colon + 1;
    let to = lineEnd;
    while (from < to && isBlank(text.charCodeAt(from))) from++;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
    if (drop === undefined || !drop.has(name)) block += encodeField(name, text.slice(from, to));
    pos = lineEnd + 2;
  }
  return block;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
