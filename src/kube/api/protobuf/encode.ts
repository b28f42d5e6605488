// Objects as they stand in JSON to messages; fields that the table does not know are left out.
// Knows the table and the wire; which message it is comes from the envelope.
import { ProtobufError } from './error.ts';
import { type Field, type Message, messageNamed } from './messages.ts';
import { encodeSchemaVariant } from './schema-variants.ts';
import { wellKnown } from './well-known.ts';
import { WIRE } from './wire/reader.ts';
import type { WireWriter } from './wire/writer.ts';

/** Writes the fields of `value`, last first. Throws `ProtobufError` that names the field whose value does not fit. */
export function encodeMessage(writer: WireWriter, message: Message, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtobufError(`${message.name} must be an object`);
  }
  const object = value as Readonly<Record<string, unknown>>;
  for (const field of message.descending) {
    try {
      encodeField(writer, field, object);
    } catch (error) {
      if (!(error instanceof ProtobufError) || field.json === '') throw error;
      throw new ProtobufError(`${field.json}${/^[\w.[\]]+: /.test(error.message) ? '.' : ': '}${error.message}`);
    }
  }
}

function encodeField(writer: WireWriter, field: Field, object: Readonly<Record<string, unknown>>): void {
  const { number, json, shape, type } = field;
  if (json === '') {
    const mark = writer.length;
    encodeMessage(writer, namedMessage(type), object);
    if (writer.length > mark) writer.delimit(number, mark);
    return;
  }
  const value = object[json];
  if (value === undefined || value === null) return;
  if (shape === 'list') {
    for (const item of listOf(value).toReversed()) encodeValue(writer, number, type, item);
  } else if (shape === 'wrapped') {
    encodeWrapped(writer, number, type, value);
  } else if (shape === 'map') {
    encodeMap(writer, number, type, value);
  } else {
    encodeValue(writer, number, type, value);
  }
}

function encodeValue(writer: WireWriter, number: number, type: string, value: unknown): void {
  switch (type) {
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, 'true or false');
      writer.unsigned(value ? 1 : 0);
      writer.tag(number, WIRE.varint);
      return;
    case 'int32':
    case 'int64':
      if (typeof value !== 'number') throw mismatch(value, 'a number');
      writer.integer(value);
      writer.tag(number, WIRE.varint);
      return;
    case 'double':
      if (typeof value !== 'number') throw mismatch(value, 'a number');
      writer.double(value);
      writer.tag(number, WIRE.fixed64);
      return;
    default:
  }
  const mark = writer.length;
  encodeDelimited(writer, type, value);
  writer.delimit(number, mark);
}

/** The bytes of a value whose length stands before it. */
function encodeDelimited(writer: WireWriter, type: string, value: unknown): void {
  if (type === 'string') {
    if (typeof value !== 'string') throw mismatch(value, 'text');
    writer.text(value);
  } else if (type === 'bytes') {
    if (typeof value !== 'string') throw mismatch(value, 'base64 text');
    writer.bytes(Buffer.from(value, 'base64'));
  } else if (type === 'json') {
    const mark = writer.length;
    writer.text(JSON.stringify(value));
    writer.delimit(1, mark);
  } else {
    encodeStructured(writer, type, value);
  }
}

function encodeStructured(writer: WireWriter, type: string, value: unknown): void {
  const known = wellKnown.get(type);
  const message = known === undefined ? messageNamed(type) : undefined;
  // A null in a list of messages is the zero message, as in Go.
  if (value === null) return;
  if (known !== undefined) known.encode(writer, value);
  else if (message !== undefined) encodeMessage(writer, message, value);
  else encodeSchemaVariant(type, writer, value, (name, inner) => encodeMessage(writer, namedMessage(name), inner));
}

function encodeWrapped(writer: WireWriter, number: number, type: string, value: unknown): void {
  const mark = writer.length;
  for (const item of listOf(value).toReversed()) encodeValue(writer, 1, type, item);
  writer.delimit(number, mark);
}

/** Keys in order, so that equal objects have equal bytes. */
function encodeMap(writer: WireWriter, number: number, type: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, 'an object');
  const map = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(map).sort().reverse()) {
    const mark = writer.length;
    const item = map[key];
    if (type.startsWith('()')) encodeWrapped(writer, 2, type.slice(2), item ?? []);
    else if (item !== null && item !== undefined) encodeValue(writer, 2, type, item);
    encodeValue(writer, 1, 'string', key);
    writer.delimit(number, mark);
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw mismatch(value, 'a list');
  return value;
}

function mismatch(value: unknown, expected: string): ProtobufError {
  const text = JSON.stringify(value) ?? 'undefined';
  return new ProtobufError(`the value must be ${expected}, not ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`);
}

function namedMessage(name: string): Message {
  const message = messageNamed(name);
  if (message === undefined) throw new Error(`No message ${name} in the table of messages`);
  return message;
}
