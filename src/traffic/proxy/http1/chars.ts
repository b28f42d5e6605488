// Character classes of HTTP/1.1 as one table, so that a check costs one lookup.
// Knows nothing of messages; a character is its Latin-1 code.

export const TOKEN = 1;
export const VALUE = 2;
export const TARGET = 4;
export const HOST = 8;
export const HEX = 16;

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;

/** Bits above per character code 0 to 255. */
export const CHARS: Uint8Array = buildTable();

function buildTable(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (characters: string, bit: number): void => {
    for (let i = 0; i < characters.length; i++) {
      const code = characters.charCodeAt(i);
      table[code] = (table[code] ?? 0) | bit;
    }
  };
  const digits = '0123456789';
  const lower = 'abcdefghijklmnopqrstuvwxyz';
  const letters = lower + lower.toUpperCase();
  mark(`!#$%&'*+-.^_\`|~${digits}${letters}`, TOKEN);
  mark(`${digits}${letters}-._`, HOST);
  mark(`${digits}abcdefABCDEF`, HEX);
  for (let code = 0; code < 256; code++) {
    const visible = code > SP && code < 127;
    // Field values: visible characters, spaces, tabs and obs-text; never NUL, CR, LF or another control.
    if (visible || code === SP || code === HTAB || code > 127) table[code] = (table[code] ?? 0) | VALUE;
    // Targets: visible ASCII without the fragment sign, which never belongs on the wire.
    if (visible && code !== 35) table[code] = (table[code] ?? 0) | TARGET;
  }
  return table;
}
