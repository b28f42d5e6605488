// Fields of keys and values as the kernel has them: addresses and ports in network order, numbers in the machine's,
// each padded to four bytes. Reads the words that elements are written in; throws for others.
import ipaddr from 'ipaddr.js';
import { LITTLE, type MessageBytes } from './message-bytes.ts';
import { IPPROTO } from './protocol.ts';

export type Field = 'address' | 'range' | 'protocol' | 'port' | 'number';

/** Bytes that a field takes; a range takes those of an address, in the key and in its end. */
export function widthOf(field: Field, addressBytes: number): number {
  return field === 'address' || field === 'range' ? addressBytes : 4;
}

/** Writes what stands in `text` from `from` to `to`, at `at`; of a range the first address, or the `last`. */
export function writeField(
  out: MessageBytes,
  at: number,
  field: Field,
  text: string,
  from: number,
  to: number,
  last: boolean,
): void {
  switch (field) {
    case 'address':
      writeAddress(out.bytes, at, text, from, to);
      return;
    case 'range':
      writeRange(out.bytes, at, text.slice(from, to), last);
      return;
    case 'protocol': {
      const word = text.slice(from, to);
      out.bytes[at] = IPPROTO[word] ?? unreadable(field, word);
      return;
    }
    case 'port':
      out.view.setUint16(at, decimal(text, from, to, 65_535));
      return;
    case 'number':
      out.view.setUint32(at, decimal(text, from, to, 0xffff_ffff), LITTLE);
      return;
  }
}

function writeAddress(bytes: Uint8Array, at: number, text: string, from: number, to: number): void {
  const colon = text.indexOf(':', from);
  if (colon >= 0 && colon < to) writeIpv6(bytes, at, text.slice(from, to));
  else writeIpv4(bytes, at, text, from, to);
}

function writeIpv4(bytes: Uint8Array, at: number, text: string, start: number, to: number): void {
  let from = start;
  for (let part = 0; part < 4; part++) {
    const dot = part === 3 ? to : text.indexOf('.', from);
    if (dot < 0 || dot > to) unreadable('address', text);
    bytes[at + part] = decimal(text, from, dot, 255);
    from = dot + 1;
  }
}

/** Groups of hexadecimal digits with at most one gap; whatever else there is goes to the library. */
function writeIpv6(bytes: Uint8Array, at: number, text: string): void {
  if (text.includes('.')) {
    bytes.set(ipaddr.parse(text).toByteArray(), at);
    return;
  }
  const gap = text.indexOf('::');
  const head = gap < 0 ? text.split(':') : groups(text.slice(0, gap));
  const tail = gap < 0 ? [] : groups(text.slice(gap + 2));
  if (gap < 0 ? head.length !== 8 : head.length + tail.length > 7) unreadable('address', text);
  bytes.fill(0, at, at + 16);
  for (const [place, group] of head.entries()) writeGroup(bytes, at + 2 * place, group, text);
  for (const [place, group] of tail.entries()) writeGroup(bytes, at + 16 - 2 * (tail.length - place), group, text);
}

function groups(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

function writeGroup(bytes: Uint8Array, at: number, group: string, text: string): void {
  const value = /^[0-9a-fA-F]{1,4}$/.test(group) ? Number.parseInt(group, 16) : unreadable('address', text);
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

function writeRange(bytes: Uint8Array, at: number, text: string, last: boolean): void {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  writeAddress(bytes, at, address, 0, address.length);
  const width = address.includes(':') ? 16 : 4;
  const prefix = slash < 0 ? width * 8 : decimal(text, slash + 1, text.length, width * 8);
  for (let bit = prefix; bit < width * 8; bit++) {
    const mask = 0x80 >> (bit & 7);
    const place = at + (bit >> 3);
    bytes[place] = last ? (bytes[place] ?? 0) | mask : (bytes[place] ?? 0) & ~mask;
  }
}

function decimal(text: string, from: number, to: number, most: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) unreadable('number', text);
    value = value * 10 + digit;
  }
  return to > from && to - from < 11 && value <= most ? value : unreadable('number', text);
}

function unreadable(field: string, text: string): never {
  throw new RangeError(`Cannot write "${text}" for the kernel: it is no ${field}`);
}
