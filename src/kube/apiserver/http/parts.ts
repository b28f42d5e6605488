// An answer in parts, some of which are made while it is sent.
// Knows bytes only.

export interface Parts extends Iterable<Uint8Array> {
  /** Of all of them together. */
  readonly bytes: number;
}

/** Those that are there already. */
export function together(parts: readonly Uint8Array[]): Parts {
  return {
    bytes: parts.reduce((sum, part) => sum + part.length, 0),
    [Symbol.iterator]: () => parts[Symbol.iterator](),
  };
}
