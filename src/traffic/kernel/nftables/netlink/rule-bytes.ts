// Rules of the chains that come with need, from the words of `nft` (and one phrase that 1.0.6 lacks) to the expressions of the kernel.
// Knows the few phrases that chains.ts writes, and throws for others.
import type { Family } from '#lib/ip.ts';
import { writeVerdict } from './element-bytes.ts';
import { widthOf } from './fields.ts';
import { LITTLE, type MessageBytes } from './message-bytes.ts';
import { DATA, IPPROTO, LIST_ITEM, NFPROTO } from './protocol.ts';

/** The first of sixteen registers of four bytes; `nft` counts in larger ones where it can, which comes to the same. */
const WORD_0 = 8;
/** The register whose content the kernel obeys. */
const VERDICT = 0;
/** Where a hash has its input: behind the longest key. */
const SCRATCH = 12;
/** Where a key is that leaves the first registers to what is found by it. */
const LATER_WORD = 4;
/** Where the port is looked up, where the address is in the first registers. */
const PORT_WORD = 8;

const META_L4PROTO = 16;
const NETWORK_HEADER = 1;
const TRANSPORT_HEADER = 2;
const FIB_TYPE = 3;
const FIB_SADDR = 1;
const RTN_LOCAL = 2;

/** Appends the expressions of one rule. Throws a RangeError where it has a phrase that is not known here. */
export function writeRule(out: MessageBytes, family: Family, rule: string): void {
  new RuleWriter(out, family).write(rule);
}

class RuleWriter {
  readonly #out: MessageBytes;
  readonly #family: Family;
  readonly #addressBytes: 4 | 16;

  constructor(out: MessageBytes, family: Family) {
    this.#out = out;
    this.#family = family;
    this.#addressBytes = family === 'IPv4' ? 4 : 16;
  }

  write(rule: string): void {
    let rest = rule;
    while (rest !== '') {
      const taken = this.#statement(rest);
      if (taken === 0) throw new RangeError(`The rule "${rule}" is not written by netlink: "${rest}" is not known`);
      rest = rest.slice(taken).trimStart();
    }
  }

  /** How many letters were understood. */
  #statement(text: string): number {
    const match = (pattern: RegExp): RegExpExecArray | null => pattern.exec(text);
    let found = match(/^meta l4proto (tcp|udp|sctp)(?= |$)/);
    if (found !== null) {
      this.#part('meta l4proto', 0);
      this.#compare(0, Uint8Array.of(IPPROTO[found[1] ?? ''] ?? 0));
      return found[0].length;
    }
    found = match(/^(ip6? [sd]addr) @(\S+)/);
    if (found !== null) {
      this.#part(found[1] ?? '', 0);
      this.#lookup(found[2] ?? '', 0, undefined);
      return found[0].length;
    }
    found = match(/^fib saddr type local/);
    if (found !== null) {
      this.#expression('fib', [
        [3, FIB_SADDR],
        [2, FIB_TYPE],
        [1, WORD_0],
      ]);
      const local = new Uint8Array(4);
      new DataView(local.buffer).setUint32(0, RTN_LOCAL, LITTLE);
      this.#compare(0, local);
      return found[0].length;
    }
    found = match(/^(ip6? daddr \. [^@]+?)(?: map @(\S+))? vmap @(\S+)/);
    if (found !== null) {
      const [whole, key = '', numbers, verdicts = ''] = found;
      if (numbers === undefined) {
        this.#concatenation(key, 0);
      } else {
        this.#concatenation(key, LATER_WORD);
        this.#zeros();
        this.#lookup(numbers, LATER_WORD, WORD_0 + 1);
      }
      this.#lookup(verdicts, 0, VERDICT);
      return whole.length;
    }
    found = match(/^(ip6? daddr \. [^@]+) @(\S+)/);
    if (found !== null) {
      this.#concatenation(found[1] ?? '', 0);
      this.#lookup(found[2] ?? '', 0, undefined);
      return found[0].length;
    }
    found = match(/^dnat ip6? to (\S.*?) map @(\S+)(?: : (.+) map @(\S+))?$/);
    if (found !== null) {
      const [whole, key = '', map = '', portKey, portMap = ''] = found;
      this.#concatenation(key, 0);
      this.#lookup(map, 0, WORD_0);
      // The port comes with the address, or from a map of its own.
      if (portKey !== undefined) {
        this.#concatenation(portKey, PORT_WORD);
        this.#lookup(portMap, PORT_WORD, WORD_0 + PORT_WORD);
      }
      this.#nat(portKey === undefined ? this.#addressBytes / 4 : PORT_WORD);
      return whole.length;
    }
    found = match(/^update @(\S+) \{ (.+) timeout (\d+)s : (.+) \}$/);
    if (found !== null) {
      const data = this.#concatenation(found[2] ?? '', 0);
      this.#concatenation(found[4] ?? '', data);
      this.#remember(found[1] ?? '', data, Number(found[3]));
      return found[0].length;
    }
    found = match(/^(?:(?:goto|jump) \S+|return|drop)$/);
    if (found === null) return 0;
    this.#verdict(found[0]);
    return found[0].length;
  }

  /** Loads the parts one after the other from the register of `word` on; returns the first one after them. */
  #concatenation(text: string, word: number): number {
    let at = word;
    for (const part of text.split(' . ')) at += this.#part(part, at);
    return at;
  }

  /** Loads one part into the register of `word`; returns how many registers it takes. */
  #part(text: string, word: number): number {
    const register = WORD_0 + word;
    const address = widthOf('address', this.#addressBytes);
    if (/^ip6? [sd]addr$/.test(text)) {
      this.#payload(register, NETWORK_HEADER, this.#addressOffset(text.endsWith('daddr')), address);
      return address / 4;
    }
    if (text === 'meta l4proto') {
      this.#expression('meta', [
        [2, META_L4PROTO],
        [1, register],
      ]);
      return 1;
    }
    if (/^(th|tcp|udp|sctp) dport$/.test(text)) {
      this.#payload(register, TRANSPORT_HEADER, 2, 2);
      return 1;
    }
    const number = /^numgen (random|inc) mod (\d+)(?: offset (\d+))?$/.exec(text);
    if (number !== null) {
      const [, kind, modulus, offset = '0'] = number;
      this.#expression('numgen', [
        [1, register],
        [2, Number(modulus)],
        [3, kind === 'random' ? 1 : 0],
        [4, Number(offset)],
      ]);
      return 1;
    }
    const hash = /^jhash (ip6? saddr) mod (\d+)(?: seed 0x([0-9a-f]+))?$/.exec(text);
    if (hash !== null) {
      this.#part(hash[1] ?? '', SCRATCH);
      const seed: [number, number][] = hash[3] === undefined ? [] : [[5, Number.parseInt(hash[3], 16)]];
      this.#expression('hash', [
        [1, WORD_0 + SCRATCH],
        [2, register],
        [3, address],
        [4, Number(hash[2])],
        ...seed,
        [6, 0],
        [7, 0],
      ]);
      return 1;
    }
    throw new RangeError(`"${text}" in a rule is not written by netlink`);
  }

  #addressOffset(destination: boolean): number {
    const source = this.#family === 'IPv4' ? 12 : 8;
    return destination ? source + this.#addressBytes : source;
  }

  #payload(register: number, base: number, offset: number, length: number): void {
    this.#expression('payload', [
      [1, register],
      [2, base],
      [3, offset],
      [4, length],
    ]);
  }

  /** `result`: the register for what a map says; none for sets. */
  #lookup(set: string, word: number, result: number | undefined): void {
    this.#begin('lookup', () => {
      this.#out.u32(2, WORD_0 + word);
      if (result !== undefined) this.#out.u32(3, result);
      this.#out.text(1, set);
    });
  }

  /**
   * Zeros in the first two registers, of which the second is then overwritten by what a map says: together they are the
   * key of the next map. A register that a map filled cannot begin a key: nft 1.0.6 does not know how long it is, and
   * fails an assertion whenever somebody lists the rules of the machine. Here it sees eight bytes of the packet.
   */
  #zeros(): void {
    const zeros = new Uint8Array(8);
    this.#payload(WORD_0, TRANSPORT_HEADER, 0, zeros.length);
    this.#begin('bitwise', () => {
      this.#out.u32(1, WORD_0);
      this.#out.u32(2, WORD_0);
      this.#out.u32(3, zeros.length);
      this.#value(4, zeros);
      this.#value(5, zeros);
    });
  }

  #value(type: number, bytes: Uint8Array): void {
    const data = this.#out.beginNest(type);
    const at = this.#out.attribute(DATA.value, bytes.length);
    this.#out.bytes.set(bytes, at);
    this.#out.endNest(data);
  }

  #compare(word: number, value: Uint8Array): void {
    this.#begin('cmp', () => {
      this.#out.u32(1, WORD_0 + word);
      this.#out.u32(2, 0);
      this.#value(3, value);
    });
  }

  #nat(portWord: number): void {
    this.#expression('nat', [
      [1, 1],
      [2, NFPROTO[this.#family]],
      [3, WORD_0],
      [5, WORD_0 + portWord],
    ]);
  }

  #remember(set: string, dataWord: number, seconds: number): void {
    this.#begin('dynset', () => {
      this.#out.u32(4, WORD_0);
      this.#out.u32(5, WORD_0 + dataWord);
      this.#out.u32(3, 1);
      this.#out.u64(6, BigInt(seconds) * 1000n);
      this.#out.text(1, set);
    });
  }

  #verdict(text: string): void {
    this.#begin('immediate', () => {
      this.#out.u32(1, 0);
      const data = this.#out.beginNest(2);
      writeVerdict(this.#out, text);
      this.#out.endNest(data);
    });
  }

  #expression(name: string, numbers: readonly (readonly [type: number, value: number])[]): void {
    this.#begin(name, () => {
      for (const [type, value] of numbers) this.#out.u32(type, value);
    });
  }

  #begin(name: string, body: () => void): void {
    const item = this.#out.beginNest(LIST_ITEM);
    this.#out.text(1, name);
    const data = this.#out.beginNest(2);
    body();
    this.#out.endNest(data);
    this.#out.endNest(item);
  }
}
