// Reads the first message of a TLS client, strictly: which server name it asks for and which protocols it speaks.
// Knows nothing of sockets, keys or certificates; the bytes stay as they are for whoever ends the handshake.

/** Bytes within which a ClientHello has to be whole, with its record headers; real ones stay below 4 KiB. */
export const MAX_CLIENT_HELLO = 16 * 1024;

export interface ClientHello {
  /** Lower case, without a trailing dot; empty when the client names none. With ECH this is the outer name. */
  readonly serverName: string;
  /** In the client's order; empty without ALPN. */
  readonly alpn: readonly string[];
}

export type HelloReading =
  | { readonly type: 'hello'; readonly hello: ClientHello }
  /** What came so far may become one. */
  | { readonly type: 'partial' }
  | { readonly type: 'malformed'; readonly reason: string };

const partial: HelloReading = { type: 'partial' };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const MAX_FRAGMENT = 16_384;
const SERVER_NAME = 0;
const ALPN = 16;

/**
 * Reads all `bytes` that have come on a connection (RFC 8446, 4.1.2 and 5.1; RFC 6066, 3; RFC 7301). The message may
 * be cut into records, and records into reads, in any way. What follows the hello (early data) is not looked at.
 */
export function readClientHello(bytes: Uint8Array): HelloReading {
  let message: Uint8Array | undefined;
  let pieces: Uint8Array[] | undefined;
  let have = 0;
  let need = -1;
  let pos = 0;
  for (;;) {
    const left = bytes.length - pos;
    // Refuses on the first wrong byte, so that another protocol is not kept waiting for the rest of a header.
    if (left > 0 && bytes[pos] !== HANDSHAKE) return malformed('No TLS handshake record');
    if (left > 1 && bytes[pos + 1] !== 3) return malformed('Unknown record version');
    if (left < 5) return orTooLong(bytes);
    const length = u16(bytes, pos + 3);
    // Handshake records are never empty (RFC 8446, 5.1).
    if (length === 0 || length > MAX_FRAGMENT) return malformed('Record length is out of range');
    const start = pos + 5;
    const end = Math.min(start + length, bytes.length);
    const fragment = bytes.subarray(start, end);
    if (message === undefined) message = fragment;
    else {
      pieces ??= [message];
      pieces.push(fragment);
    }
    have += fragment.length;
    if (have > 0 && need < 0) {
      const first = have >= 4 ? joined(message, pieces, 4) : undefined;
      if (message[0] !== CLIENT_HELLO) return malformed('First handshake message is no ClientHello');
      if (first !== undefined) {
        need = 4 + (((first[1] as number) << 16) | u16(first, 2));
        if (need > MAX_CLIENT_HELLO) return malformed('ClientHello is too long');
      }
    }
    if (need >= 0 && have > need) return malformed('Something follows the ClientHello in its record');
    if (have === need) {
      // The record must end with the message.
      if (start + length > bytes.length) return malformed('Something follows the ClientHello in its record');
      return readMessage(joined(message, pieces, have));
    }
    if (start + length > bytes.length) return orTooLong(bytes);
    pos = end;
  }
}

function orTooLong(bytes: Uint8Array): HelloReading {
  return bytes.length >= MAX_CLIENT_HELLO ? malformed('ClientHello is too long') : partial;
}

function joined(first: Uint8Array, pieces: readonly Uint8Array[] | undefined, length: number): Uint8Array {
  if (pieces === undefined) return first;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, length - at);
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Walks the fixed part of a whole message: version, random, session id, cipher suites, compression methods. */
function readMessage(message: Uint8Array): HelloReading {
  const end = message.length;
  let pos = 4 + 2 + 32;
  if (pos >= end) return malformed('ClientHello is cut short');
  if (message[4] !== 3) return malformed('Unknown protocol version');
  const sessionId = message[pos] as number;
  if (sessionId > 32) return malformed('Session id is too long');
  pos += 1 + sessionId;
  if (pos + 2 > end) return malformed('ClientHello is cut short');
  const suites = u16(message, pos);
  if (suites < 2 || suites % 2 !== 0) return malformed('Cipher suites have a wrong length');
  pos += 2 + suites;
  if (pos >= end) return malformed('ClientHello is cut short');
  const compressions = message[pos] as number;
  if (compressions === 0) return malformed('No compression method is offered');
  pos += 1 + compressions;
  // Clients older than extensions end here.
  if (pos === end) return { type: 'hello', hello: { serverName: '', alpn: [] } };
  if (pos + 2 > end || pos + 2 + u16(message, pos) !== end) return malformed('Extensions have a wrong length');
  return readExtensions(message, pos + 2, end);
}

function readExtensions(message: Uint8Array, from: number, end: number): HelloReading {
  const seen = new Set<number>();
  let serverName: string | undefined = '';
  let alpn: readonly string[] | undefined = [];
  for (let pos = from; pos < end; ) {
    if (pos + 4 > end) return malformed('Extension is cut short');
    const type = u16(message, pos);
    const start = pos + 4;
    pos = start + u16(message, pos + 2);
    if (pos > end) return malformed('Extension is cut short');
    if (seen.has(type)) return malformed('Extension is repeated');
    seen.add(type);
    if (type === SERVER_NAME) serverName = readServerName(message, start, pos);
    else if (type === ALPN) alpn = readProtocols(message, start, pos);
    if (serverName === undefined) return malformed('Server name is malformed');
    if (alpn === undefined) return malformed('ALPN list is malformed');
  }
  return { type: 'hello', hello: { serverName, alpn } };
}

/** One host name and nothing else: no client sends another kind, and a second name could be read by another parser. */
function readServerName(message: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < 6 || start + 2 + u16(message, start) !== end) return undefined;
  const length = u16(message, start + 3);
  if (message[start + 2] !== 0 || start + 5 + length !== end || length > 255) return undefined;
  let name = '';
  for (let i = start + 5; i < end; i++) {
    const code = message[i] as number;
    if (!isHostCharacter(code)) return undefined;
    name += String.fromCharCode(code >= 65 && code <= 90 ? code + 32 : code);
  }
  if (name.endsWith('.')) name = name.slice(0, -1);
  return name === '' || name.startsWith('.') || name.includes('..') ? undefined : name;
}

/** Letters, digits, `-`, `_`, `.`, and `:` of an IPv6 literal, which some clients send though they should not. */
function isHostCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 45 && code <= 58 && code !== 47) ||
    code === 95
  );
}

function readProtocols(message: Uint8Array, start: number, end: number): readonly string[] | undefined {
  if (end - start < 4 || start + 2 + u16(message, start) !== end) return undefined;
  const protocols: string[] = [];
  for (let pos = start + 2; pos < end; ) {
    const length = message[pos] as number;
    const from = pos + 1;
    pos = from + length;
    if (length === 0 || pos > end) return undefined;
    protocols.push(String.fromCharCode(...message.subarray(from, pos)));
  }
  return protocols;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function malformed(reason: string): HelloReading {
  return { type: 'malformed', reason };
}
