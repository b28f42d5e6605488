// Messages to objects as they stand in JSON: what Go's JSON leaves out is left out here too.
// Knows the table and the wire; which message it is comes from the envelope.
import { ProtobufError } from './error.ts';
import { type Field, type Message, messageNamed } from './messages.ts';
import { decodeSchemaVariant } from './schema-variants.ts';
import { wellKnown } from './well-known.ts';
import { WIRE, type WireReader } from './wire/reader.ts';

export type Fields = Record<string, unknown>;

/** Messages within messages; deeper ones are refused, as the next call could overflow the stack. */
const MAX_DEPTH = 100;

/** What a field whose bytes hold an object of its own reads them with: the envelope knows. */
export type ReadRaw = (bytes: Buffer, depth: number) => unknown;

export interface DecodeContext {
  readonly readRaw: ReadRaw;
}

/** Throws `ProtobufError`. */
export function decodeMessage(context: DecodeContext, message: Message, reader: WireReader, depth: number): Fields {
  return decodeInto(context, message, reader, depth, {});
}

function decodeInto(context: DecodeContext, message: Message, reader: WireReader, depth: number, into: Fields): Fields {
  if (depth > MAX_DEPTH) throw new ProtobufError(`messages are nested deeper than ${MAX_DEPTH}`);
  while (reader.next()) {
    const field = message.byNumber.get(reader.number);
    // A newer client may know fields that this table does not; JSON decoding would drop them too.
    if (field === undefined) reader.skip();
    else {
      try {
        decodeField(context, field, reader, depth, into);
      } catch (error) {
        throw located(error, message, field);
      }
    }
  }
  return into;
}

class LocatedError extends ProtobufError {}

/** Names the innermost field once. */
function located(error: unknown, message: Message, field: Field): unknown {
  if (!(error instanceof ProtobufError) || error instanceof LocatedError) return error;
  const name = message.name.slice(message.name.lastIndexOf('.') + 1);
  return new LocatedError(`${name}${field.json === '' ? '' : `.${field.json}`}: ${error.message}`);
}

function decodeField(context: DecodeContext, field: Field, reader: WireReader, depth: number, into: Fields): void {
  const { json, shape, type } = field;
  if (json === '') {
    decodeInto(context, namedMessage(type), bytesField(reader).message(), depth + 1, into);
  } else if (shape === 'list') {
    const list = listAt(into, json);
    if (reader.wire === WIRE.bytes && NUMERIC.has(type)) decodePacked(type, reader.message(), list);
    else list.push(decodeValue(context, type, reader, depth) ?? null);
  } else if (shape === 'wrapped') {
    into[json] = decodeWrapped(context, type, bytesField(reader).message(), depth + 1);
  } else if (shape === 'map') {
    decodeEntry(context, type, bytesField(reader).message(), depth + 1, mapAt(into, json));
  } else {
    decodeOne(context, field, reader, depth, into);
  }
}

function decodeOne(context: DecodeContext, field: Field, reader: WireReader, depth: number, into: Fields): void {
  const { json, type, keepsZero, omitsEmpty } = field;
  const message = messageNamed(type);
  if (message !== undefined) {
    // A message that comes twice is one message: protocol buffers merge it.
    const before = into[json] as Fields | undefined;
    const value = decodeInto(context, message, bytesField(reader).message(), depth + 1, before ?? {});
    if (omitsEmpty && Object.keys(value).length === 0) delete into[json];
    else into[json] = value;
    return;
  }
  const value = decodeValue(context, type, reader, depth);
  const isZero = value === '' || value === 0 || value === false;
  if (value === undefined || (isZero && !keepsZero && !wellKnown.has(type))) delete into[json];
  else into[json] = value;
}

const NUMERIC: ReadonlySet<string> = new Set(['bool', 'int32', 'int64', 'double']);

function decodeValue(context: DecodeContext, type: string, reader: WireReader, depth: number): unknown {
  switch (type) {
    case 'string':
      return bytesField(reader).text();
    case 'bytes':
      return bytesField(reader).bytes().toString('base64');
    case 'bool':
      return expectWire(reader, WIRE.varint).bool();
    case 'int32':
      return expectWire(reader, WIRE.varint).int32();
    case 'int64':
      return expectWire(reader, WIRE.varint).int64();
    case 'double':
      return expectWire(reader, WIRE.fixed64).double();
    case 'json':
      return decodeRaw(context, bytesField(reader).message(), depth + 1);
    default:
  }
  const inner = bytesField(reader).message();
  const known = wellKnown.get(type);
  if (known !== undefined) return known.decode(inner);
  const message = messageNamed(type);
  if (message !== undefined) return decodeMessage(context, message, inner, depth + 1);
  return decodeSchemaVariant(type, inner, (name, reader) =>
    decodeMessage(context, namedMessage(name), reader, depth + 1),
  );
}

function decodePacked(type: string, reader: WireReader, list: unknown[]): void {
  while (!reader.empty) {
    if (type === 'bool') list.push(reader.bool());
    else if (type === 'double') list.push(reader.double());
    else list.push(type === 'int32' ? reader.int32() : reader.int64());
  }
}

function decodeWrapped(context: DecodeContext, type: string, reader: WireReader, depth: number): unknown[] {
  const list: unknown[] = [];
  while (reader.next()) {
    if (reader.number === 1) list.push(decodeValue(context, type, reader, depth));
    else reader.skip();
  }
  return list;
}

/** One entry of a map: 1 is the key, 2 the value; either may be missing, which is its zero. */
function decodeEntry(context: DecodeContext, type: string, reader: WireReader, depth: number, map: Fields): void {
  let key = '';
  let value: unknown;
  const wrapped = type.startsWith('()');
  while (reader.next()) {
    if (reader.number === 1) key = bytesField(reader).text();
    else if (reader.number !== 2) reader.skip();
    else if (wrapped) value = decodeWrapped(context, type.slice(2), bytesField(reader).message(), depth);
    else value = decodeValue(context, type, reader, depth);
  }
  // A plain assignment of `__proto__` would not make a property.
  Object.defineProperty(map, key, {
    value: value ?? zeroOf(type, wrapped),
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function zeroOf(type: string, wrapped: boolean): unknown {
  if (wrapped) return [];
  if (type === 'string' || type === 'bytes') return '';
  if (type === 'bool') return false;
  if (NUMERIC.has(type)) return 0;
  if (type === 'quantity') return '0';
  return messageNamed(type) === undefined ? null : {};
}

/** `{1: bytes}`: JSON, or an object with an envelope of its own. */
function decodeRaw({ readRaw }: DecodeContext, reader: WireReader, depth: number): unknown {
  let raw: Buffer | undefined;
  while (reader.next()) {
    if (reader.number === 1) raw = bytesField(reader).bytes();
    else reader.skip();
  }
  if (raw === undefined || raw.length === 0) return undefined;
  return readRaw(raw, depth);
}

function namedMessage(name: string): Message {
  const message = messageNamed(name);
  if (message === undefined) throw new Error(`No message ${name} in the table of messages`);
  return message;
}

function expectWire(reader: WireReader, wire: number): WireReader {
  if (reader.wire !== wire) throw new ProtobufError(`the value has wire type ${reader.wire} and must have ${wire}`);
  return reader;
}

function bytesField(reader: WireReader): WireReader {
  return expectWire(reader, WIRE.bytes);
}

function listAt(into: Fields, json: string): unknown[] {
  const list = (into[json] as unknown[] | undefined) ?? [];
  into[json] = list;
  return list;
}

function mapAt(into: Fields, json: string): Fields {
  const map = (into[json] as Fields | undefined) ?? {};
  into[json] = map;
  return map;
}
