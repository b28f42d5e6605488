// Reads an authority (`host[:port]`) strictly, and gives the form that routes are matched with.
// Knows nothing of which hosts exist.

import { isIPv6 } from 'node:net';
import { CHARS, COLON, HOST } from './chars.ts';

let lastRaw = '';
let lastHost: string | undefined;

/**
 * The host of `authority`: lower case, without port and trailing dot; `undefined` when it is malformed (empty, user
 * info, a port out of range, a character that no host name has).
 */
export function hostOf(authority: string): string | undefined {
  // Most requests of a connection name the same host; remembering one answer saves most of the work.
  if (authority === lastRaw) return lastHost;
  lastRaw = authority;
  lastHost = parseHost(authority);
  return lastHost;
}

function parseHost(authority: string): string | undefined {
  let end = 0;
  if (authority.startsWith('[')) {
    end = authority.indexOf(']') + 1;
    if (end < 4 || authority.includes('%') || !isIPv6(authority.slice(1, end - 1))) return undefined;
  } else {
    while (end < authority.length && ((CHARS[authority.charCodeAt(end)] ?? 0) & HOST) !== 0) end++;
  }
  if (end === 0 || end > 255) return undefined;
  if (end < authority.length) {
    if (authority.charCodeAt(end) !== COLON) return undefined;
    const port = authority.slice(end + 1);
    if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) return undefined;
  }
  const host = authority.slice(0, end).toLowerCase();
  const bare = host.endsWith('.') ? host.slice(0, -1) : host;
  return bare === '' || bare.startsWith('.') || host.includes('..') ? undefined : bare;
}
