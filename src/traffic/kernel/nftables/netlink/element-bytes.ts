// One element of our sets and maps as attributes: its key, the end of the key where it is a range, and its value.
// Knows which fields each set has; not how elements are gathered into messages.
import type { Family } from '#lib/ip.ts';
import type { Element } from '../batch.ts';
import { type Field, widthOf, writeField } from './fields.ts';
import type { MessageBytes } from './message-bytes.ts';
import { DATA, ELEMENT, LIST_ITEM, VERDICT, VERDICTS } from './protocol.ts';

const FRONT: readonly Field[] = ['address', 'protocol', 'port'];

export interface Shape {
  readonly key: readonly Field[];
  /** A verdict, fields, or nothing for members of sets. */
  readonly value: 'verdict' | readonly Field[] | undefined;
}

const FRONT_SET: Shape = { key: FRONT, value: undefined };
const WAY_MAP: Shape = { key: FRONT, value: ['number'] };
const VERDICT_MAP: Shape = { key: FRONT, value: 'verdict' };
const ENDPOINT_MAP: Shape = { key: [...FRONT, 'number'], value: ['address', 'port'] };

const SHAPES: Readonly<Record<string, Shape>> = {
  services: VERDICT_MAP,
  shortcuts: VERDICT_MAP,
  locals: VERDICT_MAP,
  'service-ways': WAY_MAP,
  'shortcut-ways': WAY_MAP,
  'local-ways': WAY_MAP,
  ways: { key: ['number', 'number'], value: 'verdict' },
  'by-source': FRONT_SET,
  rejected: FRONT_SET,
  dropped: FRONT_SET,
  masqueraded: FRONT_SET,
  remember: VERDICT_MAP,
  firewalled: FRONT_SET,
  allowed: { key: [...FRONT, 'range'], value: undefined },
  'cluster-ips': { key: ['address'], value: undefined },
  selves: { key: ['address', 'address'], value: undefined },
};

/**
 * Undefined for sets of plain intervals (`pod-ranges`): their elements are borders between ranges, whose order only the
 * whole set tells. They change with the node, and are left to `nft`.
 */
export function shapeOf(set: string): Shape | undefined {
  return set.startsWith('endpoints') || set.startsWith('local-endpoints') ? ENDPOINT_MAP : SHAPES[set];
}

/** Appends a list item. `keyOnly` leaves the value out, which deleting does not need. */
export function writeElement(out: MessageBytes, family: Family, element: Element, keyOnly: boolean): void {
  const shape = shapeOf(element.set);
  if (shape === undefined) throw new RangeError(`Elements of "${element.set}" are not written by netlink`);
  const item = out.beginNest(LIST_ITEM);
  const key = out.beginNest(ELEMENT.key);
  writeFields(out, family, shape.key, element.key, false);
  out.endNest(key);
  if (shape.key.includes('range')) {
    const end = out.beginNest(ELEMENT.keyEnd);
    writeFields(out, family, shape.key, element.key, true);
    out.endNest(end);
  }
  if (!keyOnly && shape.value !== undefined) {
    const data = out.beginNest(ELEMENT.data);
    if (shape.value === 'verdict') writeVerdict(out, element.value);
    else writeFields(out, family, shape.value, element.value, false);
    out.endNest(data);
  }
  out.endNest(item);
}

function writeFields(out: MessageBytes, family: Family, fields: readonly Field[], text: string, last: boolean): void {
  const addressBytes = family === 'IPv4' ? 4 : 16;
  let width = 0;
  for (const field of fields) width += widthOf(field, addressBytes);
  let at = out.attribute(DATA.value, width);
  let from = 0;
  // Without pieces of text on the way: there are hundreds of thousands of elements.
  for (let place = 0; place < fields.length; place++) {
    const field = fields[place] as Field;
    const dot = place === fields.length - 1 ? text.length : text.indexOf(' . ', from);
    if (dot < 0) throw new RangeError(`Element "${text}" has fewer than ${fields.length} parts`);
    writeField(out, at, field, text, from, dot, last);
    at += widthOf(field, addressBytes);
    from = dot + 3;
  }
}

/** `drop`, `return`, `goto CHAIN`, `jump CHAIN`. */
export function writeVerdict(out: MessageBytes, text: string): void {
  const [word = '', chain] = text.split(' ', 2);
  const code = VERDICTS[word as keyof typeof VERDICTS];
  if (code === undefined || (chain === undefined) !== (word === 'drop' || word === 'return')) {
    throw new RangeError(`Cannot write the verdict "${text}" for the kernel`);
  }
  const verdict = out.beginNest(DATA.verdict);
  out.u32(VERDICT.code, code);
  if (chain !== undefined) out.text(VERDICT.chain, chain);
  out.endNest(verdict);
}
