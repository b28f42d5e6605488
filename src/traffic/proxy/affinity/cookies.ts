// Reads the cookies of a request and writes the one that keeps a client where it is (RFC 6265).
// Knows nothing of endpoints; a value is opaque text.

import { cookieProblem } from '#traffic/model/header-rules.ts';
import type { AffinityPolicy } from '#traffic/model/ir.ts';

export type CookieAffinity = Extract<AffinityPolicy, { type: 'cookie' }>;

/** Every value under this name: a browser sends one for each path that it has been given one for. */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (header === undefined || !header.includes(name)) return none;
  const values: string[] = [];
  // Several lines of it come joined by commas.
  for (const pair of header.split(/[;,]/)) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim());
  }
  return values;
}

const none: readonly string[] = [];

/**
 * The whole header line; empty for a policy whose cookie could not be sent. No script can read the cookie; over
 * TLS it never leaves in the clear, unless told so.
 */
export function setCookieLine(policy: CookieAffinity, value: string, secure: boolean): string {
  if (cookieProblem(policy.name, policy.path) !== undefined) return '';
  return (
    `Set-Cookie: ${policy.name}=${value}; Path=${policy.path}` +
    (policy.maxAgeSeconds > 0 ? `; Max-Age=${policy.maxAgeSeconds}` : '') +
    // A browser throws away a cookie for other sites' requests that is not secure.
    ((policy.secure ?? (secure || policy.sameSite === 'None')) ? '; Secure' : '') +
    (policy.sameSite === undefined ? '' : `; SameSite=${policy.sameSite}`) +
    '; HttpOnly\r\n'
  );
}
