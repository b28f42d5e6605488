// SHA-256 (FIPS 180-4) of short texts, for rooms that may not ask the platform for it.
// For choosing, not for secrets: it takes no care of time.

/** Fractional parts of the cube roots of the first 64 primes, 32 bits each; of the square roots of the first eight. */
const PRIMES = primes(64);
const ROUNDS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function primes(count: number): number[] {
  const found: number[] = [];
  for (let value = 2; found.length < count; value++) if (found.every((prime) => value % prime !== 0)) found.push(value);
  return found;
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

const encoder = new TextEncoder();
const words = new Int32Array(64);

/** Of the UTF-8 bytes of `text`, as 64 hexadecimal digits: their order is that of the bytes. */
export function sha256(text: string): string {
  const blocks = padded(encoder.encode(text));
  const state = START.slice();
  for (let offset = 0; offset < blocks.byteLength; offset += 64) digestBlock(state, blocks, offset);
  let digits = '';
  for (let at = 0; at < 8; at++) digits += (of(state, at) >>> 0).toString(16).padStart(8, '0');
  return digits;
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

/** At a place that is there. */
function of(list: Int32Array, at: number): number {
  return list[at] as number;
}

/** Without an array in its loops: it runs a hundred thousand times where a cluster is large. */
function digestBlock(state: Int32Array, blocks: DataView, offset: number): void {
  for (let at = 0; at < 16; at++) words[at] = blocks.getInt32(offset + at * 4);
  for (let at = 16; at < 64; at++) {
    const x = of(words, at - 15);
    const y = of(words, at - 2);
    const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[at] = (of(words, at - 16) + low + of(words, at - 7) + high) | 0;
  }
  let a = of(state, 0);
  let b = of(state, 1);
  let c = of(state, 2);
  let d = of(state, 3);
  let e = of(state, 4);
  let f = of(state, 5);
  let g = of(state, 6);
  let h = of(state, 7);
  for (let at = 0; at < 64; at++) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + high + ((e & f) ^ (~e & g)) + of(ROUNDS, at) + of(words, at)) | 0;
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = of(state, 0) + a;
  state[1] = of(state, 1) + b;
  state[2] = of(state, 2) + c;
  state[3] = of(state, 3) + d;
  state[4] = of(state, 4) + e;
  state[5] = of(state, 5) + f;
  state[6] = of(state, 6) + g;
  state[7] = of(state, 7) + h;
}
