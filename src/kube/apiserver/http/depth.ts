// How deep bodies may nest: what walks objects is recursive, and must not run out of stack.
// Knows JSON text and values; nothing of what they mean.

/**
 * Go's reader, and so upstream's server, takes 10,000 levels, which is beyond what a stack here bears. No kind of the API
 * nests a tenth of this.
 */
const MAX_DEPTH = 1000;
/** As Go says it. */
export const TOO_DEEP = 'exceeded max depth';

const [QUOTE, BACKSLASH, LIST, LIST_END, MAP, MAP_END] = Buffer.from('"\\[]{}');

/** Of JSON text, before it is parsed: what is short cannot be deep. */
export function textTooDeep(bytes: Buffer): boolean {
  if (bytes.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === LIST || byte === MAP) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === LIST_END || byte === MAP_END) depth--;
  }
  return false;
}

/** Of what was read from another notation. */
export function valueTooDeep(value: unknown, left = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((below) => valueTooDeep(below, left - 1));
}
