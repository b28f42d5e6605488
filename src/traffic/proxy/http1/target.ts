// The one form of a path: what routes match is byte for byte what the backend gets.
// Never decodes a reserved character; a path it cannot make unambiguous is refused.

import { CHARS, HEX } from './chars.ts';
import { type Rejection, rejections } from './rejection.ts';

/** `/..;x/` where parameters are cut off first, `/..%2F` and `/..%5C` where these are decoded: then, a dot segment. */
const hiddenDotSegment = /(?:\/|%2F|%5C)\.\.?(?:;|%2F|%5C)|(?:%2F|%5C)\.\.?(?:[/;]|$)/;

/**
 * Normalises an origin-form path (no query): dot segments are resolved (also when escaped), runs of slashes become
 * one, escapes of unreserved characters are decoded once and the other escapes get upper-case digits
 * (RFC 3986, 6.2.2). `%2F` stays as it is. Refused: `%00`, backslashes, broken escapes, and dot segments that are such
 * only to some backends.
 */
export function normalisePath(path: string): string | Rejection {
  if (path.includes('\\')) return rejections.targetBackslash;
  const decoded = path.includes('%') ? decodeUnreserved(path) : path;
  if (typeof decoded !== 'string') return decoded;
  if (hiddenDotSegment.test(decoded)) return rejections.targetDots;
  const segments = decoded.split('/');
  const kept: string[] = [];
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string;
    const last = i === segments.length - 1;
    if (segment === '..') {
      kept.pop();
      if (last) kept.push('');
    } else if (segment === '.' || segment === '') {
      if (last) kept.push('');
    } else {
      kept.push(segment);
    }
  }
  return `/${kept.join('/')}`;
}

function decodeUnreserved(path: string): string | Rejection {
  let out = '';
  let from = 0;
  for (;;) {
    const at = path.indexOf('%', from);
    if (at < 0) return out + path.slice(from);
    const high = path.charCodeAt(at + 1);
    const low = path.charCodeAt(at + 2);
    if (!isHex(high) || !isHex(low)) return rejections.targetEscape;
    const digits = path.slice(at + 1, at + 3);
    const code = Number.parseInt(digits, 16);
    if (code === 0) return rejections.targetNul;
    out += path.slice(from, at) + (isUnreserved(code) ? String.fromCharCode(code) : `%${digits.toUpperCase()}`);
    from = at + 3;
  }
}

function isHex(code: number): boolean {
  return ((CHARS[code] ?? 0) & HEX) !== 0;
}

/** Letters, digits, `-`, `.`, `_`, `~`. */
function isUnreserved(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 45 ||
    code === 46 ||
    code === 95 ||
    code === 126
  );
}
