// What a proxy has to know of gRPC over HTTP/2: time-outs, and how statuses of both worlds map.
// Knows nothing of messages; bodies pass as they are.

import { STATUS_CODES } from 'node:http';

const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const RESOURCE_EXHAUSTED = 8;
const UNKNOWN = 2;

export function isGrpc(contentType: string): boolean {
  if (!contentType.startsWith('application/grpc')) return false;
  // `application/grpc`, `application/grpc+proto`, `application/grpc;...`; not `application/grpc-web`.
  const code = contentType.charCodeAt(16);
  return Number.isNaN(code) || code === 43 || code === 59 || code === 32;
}

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds, at least one, of a `grpc-timeout` (up to eight digits and a unit); 0 when it is malformed. */
export function grpcTimeout(value: string): number {
  if (!/^[0-9]{1,8}[HMSmun]$/.test(value)) return 0;
  return Math.max(1, Math.ceil(Number(value.slice(0, -1)) * (units[value.slice(-1)] as number)));
}

/** The gRPC status of an answer that the proxy itself gives with this HTTP status. */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
    case 431:
      return INTERNAL;
    case 401:
      return UNAUTHENTICATED;
    case 403:
      return PERMISSION_DENIED;
    case 404:
    case 501:
      return UNIMPLEMENTED;
    case 408:
    case 504:
      return DEADLINE_EXCEEDED;
    case 413:
      return RESOURCE_EXHAUSTED;
    case 429:
    case 502:
    case 503:
      return UNAVAILABLE;
    default:
      return UNKNOWN;
  }
}

/** What a gRPC status says of the backend, as an HTTP status; by index. */
const httpStatuses = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** How the backend fared by the status line in `lines` (trailers, or the head of an answer without body). */
export function httpStatusIn(lines: string): number {
  const match = /(?:^|\n)grpc-status:[ \t]*([0-9]{1,2})[ \t]*\r\n/i.exec(lines);
  // Without a status the call failed, whatever was sent before.
  return match === null ? 500 : (httpStatuses[Number(match[1])] ?? 500);
}

/** Header lines of an answer of the proxy's own to a gRPC call: the whole answer is one head. */
export function grpcReplyLines(status: number, message: string): string {
  const text = message.trim() || STATUS_CODES[status] || '';
  return `content-type: application/grpc\r\ngrpc-status: ${grpcStatusOf(status)}\r\ngrpc-message: ${percentEncode(text)}\r\n`;
}

/** As the gRPC protocol spells messages: printable ASCII but `%`, every other byte of UTF-8 escaped. */
function percentEncode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
