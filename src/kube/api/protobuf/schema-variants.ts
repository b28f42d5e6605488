// The three types of CustomResourceDefinitions that JSON writes as one of two things: a schema, or a list, a boolean, texts.
// Knows their field numbers; the schema itself follows the table.
import { ProtobufError } from './error.ts';
import { WIRE, type WireReader } from './wire/reader.ts';
import type { WireWriter } from './wire/writer.ts';

const SCHEMA = 'apiextensions.v1.JSONSchemaProps';

interface Variant {
  /** Field of the schema. */
  readonly schema: number;
  /** Field of the other thing. */
  readonly other: number;
  readonly otherIs: 'schemas' | 'bool' | 'texts';
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  schemaOrArray: { schema: 1, other: 2, otherIs: 'schemas' },
  schemaOrBool: { schema: 2, other: 1, otherIs: 'bool' },
  schemaOrStrings: { schema: 1, other: 2, otherIs: 'texts' },
};

function variantOf(type: string): Variant {
  const variant = VARIANTS[type];
  if (variant === undefined) throw new Error(`No type ${type} in the table of messages`);
  return variant;
}

/** Throws `ProtobufError`. */
export function decodeSchemaVariant(
  type: string,
  reader: WireReader,
  decode: (message: string, reader: WireReader) => unknown,
): unknown {
  const variant = variantOf(type);
  let schema: unknown;
  let allows = false;
  const list: unknown[] = [];
  while (reader.next()) {
    const wire = reader.number === variant.other && variant.otherIs === 'bool' ? WIRE.varint : WIRE.bytes;
    if (reader.wire !== wire) reader.skip();
    else if (reader.number === variant.schema) schema = decode(SCHEMA, reader.message());
    else if (reader.number !== variant.other) reader.skip();
    else if (variant.otherIs === 'bool') allows = reader.bool();
    else list.push(variant.otherIs === 'texts' ? reader.text() : decode(SCHEMA, reader.message()));
  }
  return schema ?? (variant.otherIs === 'bool' ? allows : list);
}

/** Throws `ProtobufError`. */
export function encodeSchemaVariant(
  type: string,
  writer: WireWriter,
  value: unknown,
  encode: (message: string, value: unknown) => void,
): void {
  const variant = variantOf(type);
  const delimited = (number: number, write: () => void): void => {
    const mark = writer.length;
    write();
    writer.delimit(number, mark);
  };
  if (Array.isArray(value) && variant.otherIs !== 'bool') {
    for (const item of value.toReversed()) {
      delimited(variant.other, () => {
        if (variant.otherIs === 'schemas') encode(SCHEMA, item);
        else writer.text(String(item));
      });
    }
  } else if (typeof value === 'boolean' && variant.otherIs === 'bool') {
    writer.unsigned(value ? 1 : 0);
    writer.tag(variant.other, WIRE.varint);
  } else if (typeof value === 'object' && value !== null) {
    delimited(variant.schema, () => encode(SCHEMA, value));
    // Go reads a schema only where it is allowed.
    if (variant.otherIs === 'bool') {
      writer.unsigned(1);
      writer.tag(variant.other, WIRE.varint);
    }
  } else {
    throw new ProtobufError(`${JSON.stringify(value)} is no schema`);
  }
}
