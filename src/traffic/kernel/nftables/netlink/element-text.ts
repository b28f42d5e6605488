// Elements as the kernel has them, in the words that we write them in: for errors, and to compare.
// The way back from element-bytes.ts; knows no message.
import ipaddr from 'ipaddr.js';
import { type Shape, shapeOf } from './element-bytes.ts';
import { type Field, widthOf } from './fields.ts';
import { LITTLE } from './message-bytes.ts';
import { DATA, ELEMENT, IPPROTO, VERDICT, VERDICTS } from './protocol.ts';

export interface Words {
  readonly key: string;
  readonly value: string;
}

const PROTOCOLS = new Map(Object.entries(IPPROTO).map(([name, number]) => [number, name]));
const VERDICT_NAMES = new Map(Object.entries(VERDICTS).map(([name, code]) => [code, name]));

/** Calls `visit` with type, start and end of the content of each attribute from `at` to `end`. */
export function eachAttribute(
  view: DataView,
  at: number,
  end: number,
  visit: (type: number, from: number, to: number) => void,
): void {
  let place = at;
  while (place + 4 <= end) {
    const length = view.getUint16(place, LITTLE);
    if (length < 4 || place + length > end) return;
    visit(view.getUint16(place + 2, LITTLE) & 0x3fff, place + 4, place + length);
    place += (length + 3) & ~3;
  }
}

/** The key of the list item at `at`; undefined where there is none. */
export function elementName(bytes: Uint8Array, at: number, set: string): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 4 > bytes.length) return undefined;
  return elementWords(view, at + 4, Math.min(at + view.getUint16(at, LITTLE), bytes.length), set)?.key;
}

/** The element whose attributes stand from `at` to `end`; undefined for what has no key (the end of a set's default). */
export function elementWords(view: DataView, at: number, end: number, set: string): Words | undefined {
  const shape = shapeOf(set);
  if (shape === undefined) return undefined;
  let [key, keyEnd, value] = ['', '', ''];
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === ELEMENT.key) key = data(view, from, to, shape.key);
    if (type === ELEMENT.keyEnd) keyEnd = data(view, from, to, shape.key);
    if (type === ELEMENT.data) value = data(view, from, to, shape.value);
  });
  if (key === '') return undefined;
  return { key: keyEnd === '' ? key : withRange(key, keyEnd), value };
}

function data(view: DataView, at: number, end: number, shape: Shape['value']): string {
  let text = '';
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === DATA.verdict) text = verdict(view, from, to);
    else if (type === DATA.value && Array.isArray(shape)) text = fields(view, from, to, shape as readonly Field[]);
  });
  return text;
}

function fields(view: DataView, from: number, to: number, shape: readonly Field[]): string {
  const rest = shape.reduce((sum, field) => sum + (field === 'address' || field === 'range' ? 0 : 4), 0);
  const addresses = shape.filter((field) => field === 'address' || field === 'range').length;
  const addressBytes = addresses === 0 ? 0 : (to - from - rest) / addresses;
  if (to - from !== rest + addresses * addressBytes || ![0, 4, 16].includes(addressBytes)) return '';
  let at = from;
  const parts = shape.map((field) => {
    const text = fieldText(view, at, field, addressBytes);
    at += widthOf(field, addressBytes);
    return text;
  });
  return parts.join(' . ');
}

function fieldText(view: DataView, at: number, field: Field, addressBytes: number): string {
  switch (field) {
    case 'protocol':
      return PROTOCOLS.get(view.getUint8(at)) ?? String(view.getUint8(at));
    case 'port':
      return String(view.getUint16(at));
    case 'number':
      return String(view.getUint32(at, LITTLE));
    default: {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at, addressBytes);
      return addressBytes === 4 ? bytes.join('.') : ipaddr.fromByteArray([...bytes]).toString();
    }
  }
}

function verdict(view: DataView, from: number, to: number): string {
  let [code, chain] = [0, ''];
  eachAttribute(view, from, to, (type, at, end) => {
    if (type === VERDICT.code && end - at >= 4) code = view.getUint32(at);
    if (type === VERDICT.chain) chain = latin(view, at, end - 1);
  });
  const word = VERDICT_NAMES.get(code) ?? String(code);
  return chain === '' ? word : `${word} ${chain}`;
}

function latin(view: DataView, from: number, to: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + from, Math.max(0, to - from)));
}

/** The last part of the key is where a range begins: as a CIDR, or alone where it is one address. */
function withRange(key: string, end: string): string {
  const at = key.lastIndexOf(' . ') + 3;
  const [first, last] = [key.slice(at), end.slice(end.lastIndexOf(' . ') + 3)];
  if (first === last) return key;
  const [low, high] = [ipaddr.parse(first).toByteArray(), ipaddr.parse(last).toByteArray()];
  let prefix = 0;
  while (prefix < low.length * 8 && bit(low, prefix) === bit(high, prefix)) prefix++;
  return `${key}/${prefix}`;
}

function bit(bytes: readonly number[], at: number): number {
  return ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
}
