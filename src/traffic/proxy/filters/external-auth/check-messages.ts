// The messages of envoy.service.auth.v3: writes a CheckRequest, reads a CheckResponse; what is not known is skipped.
// Knows the wire format of just these; nothing of requests.

import { isUtf8 } from 'node:buffer';
import { ProtoBuffer } from '#telemetry/traces/proto-buffer.ts';
import { type Fields, fieldsOfMessage, numberOf, textOf, textsOf } from './proto-reader.ts';

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface CheckedRequest {
  readonly source: Peer;
  readonly destination: Peer;
  readonly id: string;
  readonly method: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly path: string;
  readonly host: string;
  readonly scheme: string;
  /** -1 when it is not known. */
  readonly size: number;
  readonly body: Buffer | undefined;
}

export interface HeaderOption {
  readonly name: string;
  readonly value: string;
  readonly action: 'set' | 'add' | 'set_if_absent' | 'set_if_present';
}

export interface CheckResponse {
  /** Of google.rpc: 0 lets the request pass. */
  readonly code: number;
  readonly denied: { readonly status?: number; readonly headers: HeaderOption[]; readonly body: string } | undefined;
  readonly ok:
    | { readonly headers: HeaderOption[]; readonly remove: string[]; readonly responseHeaders: HeaderOption[] }
    | undefined;
}

/** Writes a nested message. */
function nested(into: ProtoBuffer, field: number, write: (inner: ProtoBuffer) => void): void {
  const inner = new ProtoBuffer();
  write(inner);
  into.message(field, inner);
}

/** `size = -1` as a varint of ten bytes, behind its tag. */
const UNKNOWN_SIZE = Uint8Array.of(9 << 3, ...Array<number>(9).fill(0xff), 1);

export function checkRequest(asked: CheckedRequest): Uint8Array {
  const message = new ProtoBuffer();
  nested(message, 1, (attributes) => {
    nested(attributes, 1, (peer) => writePeer(peer, asked.source));
    nested(attributes, 2, (peer) => writePeer(peer, asked.destination));
    nested(attributes, 4, (request) => nested(request, 2, (http) => writeHttp(http, asked)));
  });
  return message.copy();
}

function writePeer(peer: ProtoBuffer, { address, port }: Peer): void {
  nested(peer, 1, (whole) =>
    nested(whole, 1, (socket) => {
      socket.text(2, address);
      socket.unsigned(3, port);
    }),
  );
}

function writeHttp(http: ProtoBuffer, asked: CheckedRequest): void {
  http.text(1, asked.id);
  http.text(2, asked.method);
  for (const [name, value] of asked.headers)
    nested(http, 3, (entry) => {
      entry.text(1, name);
      entry.text(2, value);
    });
  http.text(4, asked.path);
  http.text(5, asked.host);
  http.text(6, asked.scheme);
  if (asked.size < 0) http.append(UNKNOWN_SIZE);
  else http.unsigned(9, asked.size);
  http.text(10, 'HTTP/1.1');
  const { body } = asked;
  if (body === undefined || body.length === 0) return;
  if (isUtf8(body)) http.text(11, body.toString());
  else http.hex(12, body.toString('hex'));
}

/** Undefined when it is none. */
export function readCheckResponse(bytes: Uint8Array): CheckResponse | undefined {
  try {
    const fields = fieldsOfMessage(bytes);
    const status = messageOf(fields, 1);
    const denied = messageOf(fields, 2);
    const ok = messageOf(fields, 3);
    return {
      code: status === undefined ? 0 : numberOf(status, 1),
      denied: denied && {
        ...statusOf(messageOf(denied, 1)),
        headers: optionsOf(denied, 2),
        body: textOf(denied, 3),
      },
      ok: ok && { headers: optionsOf(ok, 2), remove: textsOf(ok, 5), responseHeaders: optionsOf(ok, 6) },
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function statusOf(status: Fields | undefined): { readonly status?: number } {
  const code = status === undefined ? 0 : numberOf(status, 1);
  return code === 0 ? {} : { status: code };
}

function messageOf(fields: Fields, field: number): Fields | undefined {
  const bytes = fields.get(field)?.at(-1);
  return bytes instanceof Uint8Array ? fieldsOfMessage(bytes) : undefined;
}

/** HeaderValueOption: `append` as a BoolValue where it is said, `append_action` as an enumeration. */
function optionsOf(fields: Fields, field: number): HeaderOption[] {
  const found: HeaderOption[] = [];
  for (const bytes of fields.get(field) ?? []) {
    if (!(bytes instanceof Uint8Array)) continue;
    const option = fieldsOfMessage(bytes);
    const header = messageOf(option, 1);
    if (header === undefined) continue;
    const append = messageOf(option, 2);
    const adds = append !== undefined && numberOf(append, 1) === 1;
    const name = textOf(header, 1);
    const value = textOf(header, 2) === '' ? textOf(header, 3) : textOf(header, 2);
    found.push({ name, value, action: adds ? 'add' : (ACTIONS[numberOf(option, 3)] ?? 'set') });
  }
  return found;
}

/** By number; 0 is also what is not said, and then the header is set. */
const ACTIONS = ['set', 'set_if_absent', 'set', 'set_if_present'] as const;
