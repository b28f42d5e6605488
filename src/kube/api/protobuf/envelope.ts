// The envelope of every object: `k8s\0`, then `runtime.Unknown` with apiVersion, kind and the object's bytes.
// Knows which failure is which Status; what is inside is decode.ts and encode.ts.
import { isJsonObject } from '#lib/json.ts';
import type { KubeObject } from '../object.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';
import { decodeMessage, type Fields } from './decode.ts';
import { encodeMessage } from './encode.ts';
import { ProtobufError } from './error.ts';
import { messageOf } from './messages.ts';
import { WIRE, WireReader } from './wire/reader.ts';
import { WireWriter } from './wire/writer.ts';

const MAGIC = Buffer.from('k8s\0');
const UNKNOWN = { typeMeta: 1, raw: 2, contentEncoding: 3 } as const;
const TYPE_META = { apiVersion: 1, kind: 2 } as const;

interface Envelope {
  apiVersion: string;
  kind: string;
  raw: WireReader;
}

/** A kind that the table of messages does not have. */
class UnknownKindError extends ProtobufError {}

/**
 * The object as its JSON would be: zero values that JSON leaves out are left out.
 * Throws `StatusError`: 400 when the bytes are no object, 415 for a kind that is not built in.
 */
export function decodeProtobuf(body: Uint8Array): KubeObject {
  try {
    return decodeObject(Buffer.from(body.buffer, body.byteOffset, body.byteLength), 0);
  } catch (error) {
    if (error instanceof UnknownKindError) throw unsupportedMediaType(error.message);
    if (error instanceof ProtobufError) {
      throw badRequest(`couldn't parse the request body as protocol buffers: ${error.message}`);
    }
    throw error;
  }
}

function decodeObject(bytes: Buffer, depth: number): KubeObject {
  const { apiVersion, kind, raw } = readEnvelope(bytes);
  const message = messageOf(apiVersion, kind);
  if (message === undefined) {
    throw new UnknownKindError(
      `protocol buffers of ${apiVersion} ${kind} are not known here - accepted media types include: application/json, application/yaml`,
    );
  }
  return { apiVersion, kind, ...decodeMessage({ readRaw }, message, raw, depth) };
}

function hasMagic(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/** Bytes of a RawExtension: an envelope of their own, or JSON. */
function readRaw(bytes: Buffer, depth: number): unknown {
  if (hasMagic(bytes)) return decodeObject(bytes, depth + 1);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    throw new ProtobufError(`the raw value is no JSON: ${(error as Error).message}`);
  }
}

function readEnvelope(bytes: Buffer): Envelope {
  if (!hasMagic(bytes)) throw new ProtobufError('the bytes do not begin with "k8s\\0"');
  const reader = new WireReader(bytes, MAGIC.length);
  const envelope: Envelope = { apiVersion: '', kind: '', raw: new WireReader(bytes, bytes.length) };
  while (reader.next()) {
    if (reader.wire !== WIRE.bytes) reader.skip();
    else if (reader.number === UNKNOWN.typeMeta) readTypeMeta(reader.message(), envelope);
    else if (reader.number === UNKNOWN.raw) envelope.raw = reader.message();
    else if (reader.number === UNKNOWN.contentEncoding) assertPlain(reader.text());
    else reader.skip();
  }
  return envelope;
}

function assertPlain(encoding: string): void {
  if (encoding !== '') throw new ProtobufError(`the content encoding ${JSON.stringify(encoding)} is not supported`);
}

function readTypeMeta(reader: WireReader, into: Envelope): void {
  while (reader.next()) {
    if (reader.wire !== WIRE.bytes) reader.skip();
    else if (reader.number === TYPE_META.apiVersion) into.apiVersion = reader.text();
    else if (reader.number === TYPE_META.kind) into.kind = reader.text();
    else reader.skip();
  }
}

/** The object with its envelope. Throws `ProtobufError` for a kind without a form, or a value that does not fit its field. */
export function encodeProtobuf(object: unknown): Buffer {
  const writer = new WireWriter();
  writeObject(writer, object);
  return writer.finish();
}

/** Writes backwards, as the writer does: what stands first is written last. */
function writeObject(writer: WireWriter, object: unknown): void {
  const { apiVersion, kind } = (isJsonObject(object) ? object : {}) as Fields;
  const message = messageOf(String(apiVersion), String(kind));
  if (message === undefined) throw new ProtobufError(`${apiVersion} ${kind} has no form in protocol buffers`);
  encodeMessage(writer, message, object);
  wrap(writer, String(apiVersion), String(kind));
}

/** Puts what has been written so far, and `following` bytes behind it, into an envelope. */
function wrap(writer: WireWriter, apiVersion: string, kind: string, following = 0): void {
  writer.unsigned(writer.length + following);
  writer.tag(UNKNOWN.raw, WIRE.bytes);
  const typeMeta = writer.length;
  writeText(writer, TYPE_META.kind, kind);
  writeText(writer, TYPE_META.apiVersion, apiVersion);
  writer.delimit(UNKNOWN.typeMeta, typeMeta);
  writer.bytes(MAGIC);
}

/** Of every list. */
const ITEMS = 2;

/** An object as a list holds it, without an envelope of its own. Throws as `encodeProtobuf` does. */
export function encodeItem(apiVersion: string, kind: string, object: unknown): Buffer {
  const message = messageOf(apiVersion, kind);
  if (message === undefined) throw new ProtobufError(`${apiVersion} ${kind} has no form in protocol buffers`);
  const writer = new WireWriter();
  encodeMessage(writer, message, object);
  writer.delimit(ITEMS, 0);
  return writer.finish();
}

/** What stands before the items of a list: its envelope, and all but them. Throws as `encodeProtobuf` does. */
export function encodeListHead(
  list: { apiVersion: string; kind: string; metadata: unknown },
  itemsBytes: number,
): Buffer {
  const message = messageOf(list.apiVersion, list.kind);
  if (message === undefined) throw new ProtobufError(`${list.apiVersion} ${list.kind} has no form in protocol buffers`);
  const writer = new WireWriter();
  encodeMessage(writer, message, list);
  wrap(writer, list.apiVersion, list.kind, itemsBytes);
  return writer.finish();
}

const WATCH_EVENT = { type: 1, object: 2 } as const;
const RAW = 1;
const FRAME_HEAD_BYTES = 4;

/**
 * One event of a watch as a frame of its stream: the length in four bytes, big-endian, then `WatchEvent`,
 * which has no envelope but whose object has one. Throws as `encodeProtobuf` does.
 */
export function encodeWatchFrame(type: string, object: unknown): Buffer {
  const writer = new WireWriter();
  writeObject(writer, object);
  writer.delimit(RAW, 0);
  writer.delimit(WATCH_EVENT.object, 0);
  writeText(writer, WATCH_EVENT.type, type);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(writer.length);
  writer.bytes(head);
  return writer.finish();
}

function writeText(writer: WireWriter, number: number, text: string): void {
  const mark = writer.length;
  writer.text(text);
  writer.delimit(number, mark);
}
