// One message to its bytes and back: the header, and which kind it is.
// Whatever the bytes are, decoding returns; it never throws.
import { uint } from './bytes.ts';
import { type Fault, Faulty, HEADER } from './fault.ts';
import type { Dialect, Message } from './message.ts';
import { decodeOpen, encodeOpen } from './open.ts';
import { decodeUpdate, encodeUpdate } from './update.ts';

export const HEADER_LENGTH = 19;
export const MAX_LENGTH = 4096;
const MARKER = Buffer.alloc(16, 0xff);

const TYPES = ['open', 'update', 'notification', 'keepalive', 'route_refresh'] as const;

/** Lengths that a message of each type may have, header included. */
const LENGTHS: Readonly<Record<Message['type'], readonly [least: number, most: number]>> = {
  open: [29, MAX_LENGTH],
  update: [23, MAX_LENGTH],
  notification: [21, MAX_LENGTH],
  keepalive: [HEADER_LENGTH, HEADER_LENGTH],
  route_refresh: [23, MAX_LENGTH],
};

/** The caller sees to it that the message is not longer than MAX_LENGTH. */
export function encodeMessage(message: Message, dialect: Dialect): Buffer {
  const body = encodeBody(message, dialect);
  const length = HEADER_LENGTH + body.length;
  return Buffer.concat([MARKER, uint(length, 2), Buffer.of(TYPES.indexOf(message.type) + 1), body]);
}

function encodeBody(message: Message, dialect: Dialect): Buffer {
  switch (message.type) {
    case 'open':
      return encodeOpen(message);
    case 'update':
      return encodeUpdate(message, dialect);
    case 'notification':
      return Buffer.concat([Buffer.of(message.code, message.subcode), message.data]);
    case 'keepalive':
      return Buffer.alloc(0);
    case 'route_refresh':
      return Buffer.concat([uint(message.afi, 2), Buffer.of(message.subtype, message.safi)]);
  }
}

export type Read =
  /** More bytes are needed. */
  | { readonly kind: 'partial' }
  | { readonly kind: 'message'; readonly message: Message; readonly length: number }
  | { readonly kind: 'fault'; readonly fault: Fault };

/** Reads the message at the start of `bytes`. */
export function readMessage(bytes: Buffer, dialect: Dialect): Read {
  if (bytes.length < HEADER_LENGTH) return { kind: 'partial' };
  try {
    if (!bytes.subarray(0, MARKER.length).equals(MARKER)) {
      throw new Faulty(HEADER.code, HEADER.unsynchronised, 'The marker of a message is not all ones');
    }
    const length = bytes.readUInt16BE(MARKER.length);
    const number = bytes[HEADER_LENGTH - 1] as number;
    const type = TYPES[number - 1];
    const [least, most] = type === undefined ? [HEADER_LENGTH, MAX_LENGTH] : LENGTHS[type];
    if (length < least || length > most) {
      const words = `A message of type ${type ?? number} claims ${length} bytes`;
      throw new Faulty(HEADER.code, HEADER.badLength, words, uint(length, 2));
    }
    if (type === undefined) {
      throw new Faulty(HEADER.code, HEADER.badType, `A message has the unknown type ${number}`, Buffer.of(number));
    }
    if (bytes.length < length) return { kind: 'partial' };
    const message = decodeBody(type, bytes.subarray(HEADER_LENGTH, length), dialect);
    return { kind: 'message', message, length };
  } catch (error) {
    if (!(error instanceof Faulty)) throw error;
    return { kind: 'fault', fault: error.fault };
  }
}

function decodeBody(type: Message['type'], body: Buffer, dialect: Dialect): Message {
  switch (type) {
    case 'open':
      return decodeOpen(body);
    case 'update':
      return decodeUpdate(body, dialect);
    case 'notification':
      return { type, code: body[0] as number, subcode: body[1] as number, data: Buffer.from(body.subarray(2)) };
    case 'keepalive':
      return { type };
    case 'route_refresh':
      return { type, afi: body.readUInt16BE(), subtype: body[2] as number, safi: body[3] as number };
  }
}
