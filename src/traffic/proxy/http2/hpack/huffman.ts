// Decodes the Huffman code of HPACK (RFC 7541, appendix B), four bits a step, and refuses what no encoder writes.
// Knows nothing of headers. The code is canonical, so the lengths of its words say everything.

/** Bits of the code word of each byte value, and of the end of string, which must never be sent. */
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const END_OF_STRING = 256;

/** What one step of four bits leads to, at `state * 16 + bits`. */
const nextState = new Uint16Array(257 * 16);
/** The byte that the step completes, or -1: no word is shorter than five bits. */
const emitted = new Int16Array(257 * 16);
/** States in which a string may end: at most seven bits, all ones, behind the last word. */
const mayEnd = new Uint8Array(257);
const BROKEN = 256;

/** Longer strings than this are decoded into memory of their own. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

buildTables();

/** Children by node: a node number, or a symbol as `-1 - symbol`. Node 0 is the root. */
function buildTree(): [number, number][] {
  const nodes: [number, number][] = [[0, 0]];
  const symbols = lengths
    .map((_, symbol) => symbol)
    .sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of symbols) {
    const bits = lengths[symbol] as number;
    code *= 2 ** (bits - length);
    length = bits;
    let node = 0;
    for (let bit = bits - 1; bit >= 0; bit--) {
      const children = nodes[node] as [number, number];
      const side = Math.floor(code / 2 ** bit) % 2 === 1 ? 1 : 0;
      if (bit === 0) children[side] = -1 - symbol;
      else if (children[side] === 0) children[side] = nodes.push([0, 0]) - 1;
      node = children[side];
    }
    code++;
  }
  return nodes;
}

function buildTables(): void {
  const nodes = buildTree();
  let node = 0;
  for (let depth = 0; depth < 8; depth++) {
    mayEnd[node] = 1;
    node = (nodes[node] as [number, number])[1];
  }
  for (let state = 0; state < nodes.length; state++) {
    for (let bits = 0; bits < 16; bits++) {
      let at = state;
      let symbol = -1;
      for (let bit = 3; bit >= 0 && at !== BROKEN; bit--) {
        const child = (nodes[at] as [number, number])[(bits >> bit) & 1] as number;
        at = Math.max(child, 0);
        if (child < 0) symbol = -1 - child;
        if (symbol === END_OF_STRING) at = BROKEN;
      }
      nextState[state * 16 + bits] = at;
      emitted[state * 16 + bits] = symbol === END_OF_STRING ? -1 : symbol;
    }
  }
  nextState.fill(BROKEN, BROKEN * 16, BROKEN * 16 + 16);
  emitted.fill(-1, BROKEN * 16, BROKEN * 16 + 16);
}

/** The Latin-1 text that `bytes[start, end)` stands for; undefined when it is not Huffman-coded. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | undefined {
  // The shortest word has five bits.
  const room = Math.ceil(((end - start) * 8) / 5);
  const text = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
  let length = 0;
  let state = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    let step = state * 16 + (byte >> 4);
    let symbol = emitted[step] as number;
    if (symbol >= 0) text[length++] = symbol;
    step = (nextState[step] as number) * 16 + (byte & 15);
    symbol = emitted[step] as number;
    if (symbol >= 0) text[length++] = symbol;
    state = nextState[step] as number;
  }
  return mayEnd[state] === 1 ? text.toString('latin1', 0, length) : undefined;
}
