// The form in which requests meet a path that somebody wrote into a route.
// Knows no request: engines bring paths to the same form before they look for a route.

/**
 * What is not ASCII becomes escapes, escapes of unreserved characters become these, and the other escapes get
 * upper-case digits (RFC 3986, 6.2.2): `/café`, `/caf%c3%a9` and `/caf%C3%A9` are one path, as are `/%7Eann` and `/~ann`.
 */
export function canonicalPath(path: string): string {
  return path
    .toWellFormed()
    .replace(/[^\x21-\x7e]+/g, encodeURIComponent)
    .replace(/%[0-9a-f]{2}/gi, (escaped) => {
      const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
      return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase();
    });
}
