// The grammar of chunk extensions (RFC 9112, 7.1.1), character by character; they are read to be dropped.
// White space between their parts is refused, as it is behind the size: parsers are at odds over it.

import { CHARS, CR, TOKEN, VALUE } from './chars.ts';

/** Behind a semicolon: a name has to come. */
export const EXTENSION = 20;
/** The extension is malformed. */
export const EXTENSION_FAULT = -1;
/** The carriage return behind it has come. */
export const EXTENSION_END = -2;

const NAME = 21;
const VALUE_FIRST = 22;
const PLAIN_VALUE = 23;
const QUOTED = 24;
const ESCAPED = 25;
const QUOTED_END = 26;

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

/** The state behind `code`. */
export function nextInExtension(state: number, code: number): number {
  const bits = CHARS[code] as number;
  switch (state) {
    case EXTENSION:
      return (bits & TOKEN) !== 0 ? NAME : EXTENSION_FAULT;
    case NAME:
      if ((bits & TOKEN) !== 0) return NAME;
      return code === EQUALS ? VALUE_FIRST : behind(code);
    case VALUE_FIRST:
      if (code === QUOTE) return QUOTED;
      return (bits & TOKEN) !== 0 ? PLAIN_VALUE : EXTENSION_FAULT;
    case PLAIN_VALUE:
      return (bits & TOKEN) !== 0 ? PLAIN_VALUE : behind(code);
    case QUOTED:
      if (code === QUOTE) return QUOTED_END;
      if (code === BACKSLASH) return ESCAPED;
      return inQuotes(code, bits);
    case ESCAPED:
      return inQuotes(code, bits);
    default:
      return behind(code);
  }
}

function behind(code: number): number {
  if (code === SEMICOLON) return EXTENSION;
  return code === CR ? EXTENSION_END : EXTENSION_FAULT;
}

/** Visible ASCII, space and tab. */
function inQuotes(code: number, bits: number): number {
  return (bits & VALUE) !== 0 && code < 128 ? QUOTED : EXTENSION_FAULT;
}
