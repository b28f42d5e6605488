// Domain names between text and bytes (RFC 1035, 3.1 and 4.1.4).
// Text is latin1, one character a byte; knows nothing of messages beyond offsets into them.

/** Bytes of a name, its lengths and its end included. */
const MAX_NAME = 255;
const MAX_LABEL = 63;

export interface ReadName {
  readonly name: string;
  /** Just behind the name. */
  readonly end: number;
}

/** Undefined for a name that runs out of `bytes`, is too long, or points anywhere but backwards. */
export function readName(bytes: Buffer, start: number): ReadName | undefined {
  let text = '';
  let length = 1;
  let offset = start;
  let end: number | undefined;
  // Each pointer must lead before the last, so that none can lead around in circles.
  let bound = start;
  for (;;) {
    const size = bytes[offset];
    if (size === undefined) return undefined;
    if (size === 0) return { name: text, end: end ?? offset + 1 };
    if (size >= 0xc0) {
      const low = bytes[offset + 1];
      if (low === undefined) return undefined;
      end ??= offset + 2;
      offset = ((size & 0x3f) << 8) | low;
      if (offset >= bound) return undefined;
      bound = offset;
      continue;
    }
    if (size > MAX_LABEL) return undefined;
    length += size + 1;
    if (length > MAX_NAME || offset + 1 + size > bytes.length) return undefined;
    if (text !== '') text += '.';
    const label = bytes.toString('latin1', offset + 1, offset + 1 + size);
    text += label.includes('.') || label.includes('\\') ? label.replaceAll(/[.\\]/g, '\\$&') : label;
    offset += 1 + size;
  }
}

/** Labels as bytes stand in them; undefined when the text is no name: an empty or too long label, or too long altogether. */
export function labelsOf(name: string): string[] | undefined {
  if (name === '') return [];
  const labels = name.includes('\\') ? splitEscaped(name) : name.split('.');
  let length = 1;
  for (const label of labels) {
    if (label.length === 0 || label.length > MAX_LABEL) return undefined;
    length += label.length + 1;
  }
  return length > MAX_NAME ? undefined : labels;
}

function splitEscaped(name: string): string[] {
  const labels = [''];
  for (let i = 0; i < name.length; i++) {
    if (name[i] === '.') labels.push('');
    else {
      if (name[i] === '\\') i++;
      labels[labels.length - 1] += name[i] ?? '';
    }
  }
  return labels;
}

/** ASCII only, as names compare. */
export function lowerName(name: string): string {
  return /[A-Z]/.test(name) ? name.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase()) : name;
}

/** Written out. Throws for a text that is no name: callers hand in names that were read, or checked ones. */
export function nameBytes(name: string): Buffer {
  const labels = labelsOf(name);
  if (labels === undefined) throw new Error(`"${name}" is no domain name`);
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    ROOT,
  ]);
}

const ROOT = Buffer.from([0]);
