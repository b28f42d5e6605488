// Which header lines the proxy itself must understand; all others are relayed as they stand.
// Compares in place, case-insensitively: no string is made for a name.

export const OTHER = 0;
export const HOST_HEADER = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const UPGRADE = 5;
export const EXPECT = 6;
export const TE = 7;
export const TRAILER = 8;
export const KEEP_ALIVE = 9;
export const X_FORWARDED_FOR = 10;
export const X_REQUEST_ID = 11;
export const FORWARDED = 12;
export const X_FORWARDED_PROTO = 15;
export const X_FORWARDED_HOST = 16;
export const X_FORWARDED_PORT = 17;
/** Belongs to one hop, or only the proxy may set it: never relayed. */
export const DROPPED = 13;
/** An underscore spelling of a name above: some backends read `_` as `-`, so it must not pass. */
export const SPOOFED = 14;

const byLength: [name: string, id: number][][] = [];
for (const [name, id] of [
  ['host', HOST_HEADER],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['upgrade', UPGRADE],
  ['expect', EXPECT],
  ['te', TE],
  ['trailer', TRAILER],
  ['keep-alive', KEEP_ALIVE],
  ['x-forwarded-for', X_FORWARDED_FOR],
  ['x-request-id', X_REQUEST_ID],
  ['forwarded', FORWARDED],
  ['proxy-connection', DROPPED],
  ['proxy', DROPPED],
  // Of one hop in practice: credentials for a proxy are none of the backend's business.
  ['proxy-authorization', DROPPED],
  ['proxy-authenticate', DROPPED],
  ['proxy-authentication-info', DROPPED],
  ['http2-settings', DROPPED],
  ['x-forwarded-proto', X_FORWARDED_PROTO],
  ['x-forwarded-host', X_FORWARDED_HOST],
  ['x-forwarded-port', X_FORWARDED_PORT],
  ['x-real-ip', DROPPED],
  // What proxies that ask clients for certificates tell of them; nobody was asked here.
  ['ssl-client-verify', DROPPED],
  ['ssl-client-cert', DROPPED],
  ['ssl-client-subject-dn', DROPPED],
  ['ssl-client-issuer-dn', DROPPED],
  ['x-forwarded-client-cert', DROPPED],
] as [string, number][]) {
  let list = byLength[name.length];
  if (list === undefined) {
    list = [];
    byLength[name.length] = list;
  }
  list.push([name, id]);
}
for (let i = 0; i < byLength.length; i++) byLength[i] ??= [];

/** The id of the name at `text[start, end)`, which holds token characters only. */
export function knownHeader(text: string, start: number, end: number): number {
  const candidates = byLength[end - start];
  if (candidates === undefined) return OTHER;
  for (let c = 0; c < candidates.length; c++) {
    const candidate = candidates[c] as [string, number];
    const name = candidate[0];
    let underscore = false;
    let i = 0;
    for (; i < name.length; i++) {
      const code = text.charCodeAt(start + i);
      if ((code | 0x20) === name.charCodeAt(i)) continue;
      if (code === 95 && name.charCodeAt(i) === 45) {
        underscore = true;
        continue;
      }
      break;
    }
    if (i === name.length) return underscore ? SPOOFED : candidate[1];
  }
  return OTHER;
}

/** Names that a `Connection` header cannot strip, because backends base decisions on them. */
export function isProtected(name: string): boolean {
  return (
    name.startsWith('x-forwarded-') ||
    name.startsWith('content-') ||
    name.startsWith('accept-') ||
    name.startsWith('if-') ||
    name.startsWith('sec-') ||
    name.startsWith('ssl-client-') ||
    protectedNames.has(name)
  );
}

const protectedNames = new Set([
  'accept',
  'authorization',
  'cache-control',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'origin',
  'range',
  'set-cookie',
  'referer',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'user-agent',
  'via',
  'x-real-ip',
  'x-request-id',
]);

/**
 * Fields that mean something before the body is read, so they are nothing that a trailer may say (RFC 9110, 6.5.1):
 * recipients that merge trailers into headers would believe them. What frames, routes or belongs to a hop is known
 * above and does not pass either.
 */
const refusedInTrailers = new Set([
  'accept',
  'age',
  'authorization',
  'cache-control',
  'cookie',
  'cookie2',
  'date',
  'expires',
  'location',
  'max-forwards',
  'origin',
  'pragma',
  'range',
  'referer',
  'retry-after',
  'set-cookie',
  'set-cookie2',
  'vary',
  'via',
  'warning',
  'www-authenticate',
]);

/** Whether a field of this name may pass as a trailer. */
export function mayTrail(name: string): boolean {
  if (knownHeader(name, 0, name.length) !== OTHER) return false;
  // Underscores read as dashes by some backends.
  const plain = name.toLowerCase().replaceAll('_', '-');
  return (
    !refusedInTrailers.has(plain) &&
    // A digest is made while the body goes out: a trailer is its place (RFC 9530).
    (!plain.startsWith('content-') || plain === 'content-digest') &&
    !plain.startsWith('accept-') &&
    !plain.startsWith('if-') &&
    !plain.startsWith('sec-') &&
    !plain.startsWith('x-forwarded-') &&
    !plain.startsWith('ssl-client-')
  );
}
