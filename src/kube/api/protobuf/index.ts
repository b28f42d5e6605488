// The door of the room: Kubernetes objects out of `application/vnd.kubernetes.protobuf`.
// Reads only, and only built-in kinds; the table of field numbers is in gen/.
import { readFileSync } from 'node:fs';
import type { KubeObject } from '../object.ts';
import { definitionNameOf } from '../schema/index.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';
import { scalarReader } from './scalars.ts';
import { bytesOf, double, integer, readFields, text, WireError, type WireField, type WireValue } from './wire.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

/** `k8s` and a zero byte stand before every message of the API. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/** Message -> field number -> `name type`; see the generator for the grammar. */
type Messages = Readonly<Record<string, Readonly<Record<string, string>>>>;

let messages: Messages | undefined;

function table(): Messages {
  messages ??= JSON.parse(readFileSync(new URL('./gen/messages.json', import.meta.url), 'utf8')) as Messages;
  return messages;
}

/**
 * The object as its JSON would be: zero values that JSON leaves out are left out.
 * Throws a StatusError: 400 when the bytes are no object, 415 for a kind that is not built in.
 */
export function decodeProtobuf(body: Uint8Array): KubeObject {
  if (MAGIC.some((byte, index) => body[index] !== byte)) {
    throw badRequest('the body of the request is no Kubernetes protocol buffer: it does not begin with "k8s\\0"');
  }
  try {
    return decodeEnvelope(body.subarray(MAGIC.length));
  } catch (error) {
    if (error instanceof WireError || error instanceof SyntaxError) throw badRequest(error.message);
    throw error;
  }
}

/** `runtime.Unknown`: 1 is {1: apiVersion, 2: kind}, 2 the object itself. */
function decodeEnvelope(bytes: Uint8Array): KubeObject {
  const fields = readFields(bytes);
  const type = readFields(bytesOf(find(fields, 1) ?? new Uint8Array()));
  const apiVersion = text(find(type, 1) ?? new Uint8Array());
  const kind = text(find(type, 2) ?? new Uint8Array());
  const name = definitionNameOf(apiVersion, kind);
  if (!Object.hasOwn(table(), name)) {
    throw unsupportedMediaType(`protocol buffers of ${apiVersion} ${kind} are not known here: send application/json`);
  }
  return { apiVersion, kind, ...decodeMessage(name, bytesOf(find(fields, 2) ?? new Uint8Array())) };
}

function find(fields: readonly WireField[], number: number): WireValue | undefined {
  return fields.findLast((field) => field.number === number)?.value;
}

function decodeMessage(name: string, bytes: Uint8Array): Record<string, unknown> {
  const rows = table()[name] ?? {};
  const object: Record<string, unknown> = {};
  for (const { number, value } of readFields(bytes)) {
    const row = rows[number];
    // A newer client may know fields that this table does not; JSON decoding would drop them too.
    if (row === undefined) continue;
    const space = row.indexOf(' ');
    const named = row.slice(0, space);
    const type = row.slice(space + 1);
    const field = named.replace(/\?$/, '');
    if (field === '') Object.assign(object, decodeMessage(type, bytesOf(value)));
    else put(object, field, type, value, named !== field);
  }
  return object;
}

function put(object: Record<string, unknown>, field: string, type: string, value: WireValue, omitZero: boolean): void {
  if (type.startsWith('[]')) {
    const list = object[field];
    const item = decodeValue(type.slice(2), value);
    if (Array.isArray(list)) list.push(item);
    else object[field] = [item];
    return;
  }
  if (type.startsWith('{}')) {
    const entry = readFields(bytesOf(value));
    const key = text(find(entry, 1) ?? new Uint8Array());
    const inner = decodeValue(type.slice(2), find(entry, 2) ?? emptyOf(type.slice(2)));
    object[field] = { ...(object[field] as Record<string, unknown> | undefined), [key]: inner };
    return;
  }
  const decoded = decodeValue(type, value);
  const isZero = decoded === undefined || decoded === '' || decoded === 0 || decoded === false;
  if (decoded === undefined || (omitZero && isZero)) return;
  object[field] = decoded;
}

const emptyOf = (type: string): WireValue => (type === 'i' || type === 'b' || type === 'd' ? 0n : new Uint8Array());

function decodeValue(type: string, value: WireValue): unknown {
  switch (type) {
    case 's':
      return text(value);
    case 'i':
      return integer(value);
    case 'b':
      return integer(value) !== 0;
    case 'd':
      return double(value);
    case 'y':
      return Buffer.from(bytesOf(value)).toString('base64');
    default:
  }
  // A named list is a message of its own, with the items in field 1.
  if (type.startsWith('<>')) return readFields(bytesOf(value)).map((item) => decodeValue(type.slice(2), item.value));
  const scalar = scalarReader(type);
  return scalar === undefined ? decodeMessage(type, bytesOf(value)) : scalar(bytesOf(value));
}
