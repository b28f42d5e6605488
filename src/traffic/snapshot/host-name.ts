// Hostnames as clients send them, brought into the one form that tables are keyed by.
// Knows nothing of routes or certificates.

const BRACKET = 91;

/** Lower case, without port and without trailing dot; an IPv6 literal keeps its brackets. */
export function normaliseHost(authority: string): string {
  let end = authority.length;
  if (authority.charCodeAt(0) === BRACKET) {
    const close = authority.indexOf(']');
    if (close > 0) end = close + 1;
  } else {
    const colon = authority.lastIndexOf(':');
    if (colon >= 0) end = colon;
  }
  if (end > 0 && authority.charAt(end - 1) === '.') end--;
  return (end === authority.length ? authority : authority.slice(0, end)).toLowerCase();
}
