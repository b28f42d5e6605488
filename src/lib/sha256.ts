// SHA-256 (FIPS 180-4) of short texts, for rooms that may not ask the platform for it.
// For choosing, not for secrets: it takes no care of time.

const ROUNDS = constants();

/** Fractional parts of the cube roots of the first 64 primes, 32 bits each. */
function constants(): Uint32Array {
  const words = new Uint32Array(64);
  for (let prime = 2, at = 0; at < 64; prime++) {
    if (!isPrime(prime)) continue;
    words[at++] = fraction(Math.cbrt(prime));
  }
  return words;
}

function isPrime(value: number): boolean {
  for (let by = 2; by * by <= value; by++) if (value % by === 0) return false;
  return true;
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) >>> 0;
}

/** Of the square roots of the first eight primes. */
const START = [2, 3, 5, 7, 11, 13, 17, 19].map((prime) => fraction(Math.sqrt(prime)));

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** Of the UTF-8 bytes of `text`, as 64 hexadecimal digits: their order is that of the bytes. */
export function sha256(text: string): string {
  const blocks = padded(new TextEncoder().encode(text));
  const state = Uint32Array.from(START);
  const words = new Uint32Array(64);
  for (let offset = 0; offset < blocks.byteLength; offset += 64) digestBlock(state, blocks, offset, words);
  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
}

/** A one, zeros, and the length in bits, up to a multiple of 64 bytes. */
function padded(bytes: Uint8Array): DataView {
  const size = Math.ceil((bytes.length + 9) / 64) * 64;
  const block = new Uint8Array(size);
  block.set(bytes);
  block[bytes.length] = 0x80;
  const view = new DataView(block.buffer);
  view.setUint32(size - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(size - 4, (bytes.length * 8) >>> 0);
  return view;
}

function digestBlock(state: Uint32Array, block: DataView, offset: number, words: Uint32Array): void {
  const w = (at: number): number => words[at] as number;
  for (let at = 0; at < 16; at++) words[at] = block.getUint32(offset + at * 4);
  for (let at = 16; at < 64; at++) {
    const low = turn(w(at - 15), 7) ^ turn(w(at - 15), 18) ^ (w(at - 15) >>> 3);
    const high = turn(w(at - 2), 17) ^ turn(w(at - 2), 19) ^ (w(at - 2) >>> 10);
    words[at] = w(at - 16) + low + w(at - 7) + high;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let at = 0; at < 64; at++) {
    const mixed = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const first = (h + mixed + ((e & f) ^ (~e & g)) + (ROUNDS[at] as number) + w(at)) | 0;
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at] = (state[at] as number) + word;
}
