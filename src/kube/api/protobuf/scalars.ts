// Messages that stand for one value in JSON: times, durations, quantities, numbers or names, raw JSON.
// Knows these few; all others are read by the generated table.
import { bytesOf, integer, readFields, text, type WireField } from './wire.ts';

type Reader = (fields: readonly WireField[]) => unknown;

const number = (fields: readonly WireField[], field: number): number => {
  const found = fields.findLast((each) => each.number === field);
  return found === undefined ? 0 : integer(found.value);
};

const string = (fields: readonly WireField[], field: number): string => {
  const found = fields.findLast((each) => each.number === field);
  return found === undefined ? '' : text(found.value);
};

/** An empty message is the zero time, which JSON leaves out. */
const time =
  (digits: 0 | 6): Reader =>
  (fields) => {
    if (fields.length === 0) return undefined;
    const seconds = new Date(number(fields, 1) * 1000).toISOString().slice(0, 19);
    const fraction = String(number(fields, 2)).padStart(9, '0').slice(0, digits);
    return digits === 0 ? `${seconds}Z` : `${seconds}.${fraction}Z`;
  };

const json: Reader = (fields) => {
  const raw = fields.findLast((each) => each.number === 1);
  return raw === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytesOf(raw.value)));
};

const readers: Readonly<Record<string, Reader>> = {
  'meta.v1.Time': time(0),
  'meta.v1.MicroTime': time(6),
  'meta.v1.Duration': (fields) => `${number(fields, 1) / 1e9}s`,
  'meta.v1.FieldsV1': json,
  RawExtension: json,
  Quantity: (fields) => string(fields, 1),
  IntOrString: (fields) => (number(fields, 1) === 0 ? number(fields, 2) : string(fields, 3)),
};

/** Undefined when the message is none of these. */
export function scalarReader(message: string): ((bytes: Uint8Array) => unknown) | undefined {
  const reader = Object.hasOwn(readers, message) ? readers[message] : undefined;
  return reader && ((bytes) => reader(readFields(bytes)));
}
