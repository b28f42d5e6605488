// Sources that get no answer, as a classic BPF program on a listening socket: the kernel drops their first packets, so
// that they see silence where accepting and closing would be an answer. From rules to instructions; attaches nothing.
import { type Family, familyOf } from '#lib/ip.ts';
import { encodeSocketAddress } from '#lib/sys/socket-address.ts';
import type { NodeFacts, SourceClass } from '#traffic/snapshot/rules/node-facts.ts';
import { type Front, outcomeOf, type PortRules } from '#traffic/snapshot/rules/rule-model.ts';

export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** linux/bpf_common.h: load a word, mask it, compare it, jump, return. */
export const codes = { load: 0x20, and: 0x54, jumpEqual: 0x15, jump: 0x05, end: 0x06 } as const;
/** Offsets from here on count from the network header (linux/filter.h, SKF_NET_OFF). */
export const NETWORK_HEADER = 0xfff00000;
const SOURCE_AT: Readonly<Record<Family, number>> = { IPv4: 12, IPv6: 8 };
const KEEP = 0xffffffff;
const MOST_INSTRUCTIONS = 4096;

interface Test {
  readonly cidr: string;
  /** Undefined: on to what follows the list. */
  readonly keep: boolean | undefined;
}

/**
 * Undefined where nobody is dropped, or where the kernel would take no program of that length (who accepts decides
 * then, too).
 */
export function sourceFilter(rules: PortRules, front: Front, node: NodeFacts): readonly Instruction[] | undefined {
  const keeps = (source: SourceClass): boolean => outcomeOf(rules, front, source).type !== 'drop';
  const same = keeps('pod') === keeps('other') && keeps('node') === keeps('other');
  const { allowedSources } = front;
  if (allowedSources === undefined && same && keeps('other')) return undefined;
  const { family } = rules;
  const ofFamily = (one: string): boolean => familyOf(one) === family;
  const program: Instruction[] = [];
  if (allowedSources !== undefined) {
    const list = allowedSources.filter(ofFamily).map((cidr): Test => ({ cidr, keep: undefined }));
    program.push(...testsOf(list, family), end(false));
  }
  if (!same) {
    const whole = family === 'IPv4' ? 32 : 128;
    program.push(
      ...testsOf(
        [
          ...node.podRanges.filter(ofFamily).map((cidr) => ({ cidr, keep: keeps('pod') })),
          // What the node sends itself without a source of its own has the very address it sends to.
          ...[front.address, ...node.addresses.filter(ofFamily)].map((address) => ({
            cidr: `${address}/${whole}`,
            keep: keeps('node'),
          })),
        ],
        family,
      ),
    );
  }
  program.push(end(keeps('other')));
  return program.length > MOST_INSTRUCTIONS ? undefined : program;
}

/** One after the other; a match without a verdict of its own goes to one beyond the instruction after the list. */
function testsOf(tests: readonly Test[], family: Family): Instruction[] {
  const blocks = tests.map(({ cidr, keep }) => [...matchOf(cidr, family), { keep }] as const);
  const size = blocks.reduce((sum, block) => sum + block.length, 0);
  const program: Instruction[] = [];
  for (const block of blocks) {
    for (const part of block) {
      if ('code' in part) program.push(part);
      else if (part.keep !== undefined) program.push(end(part.keep));
      else program.push({ code: codes.jump, jt: 0, jf: 0, k: size - program.length });
    }
  }
  return program;
}

/** Falls through for sources of the range, and skips one instruction beyond its end for others. */
function matchOf(cidr: string, family: Family): Instruction[] {
  const [address = '', prefix = '0'] = cidr.split('/');
  const bytes = addressBytes(address, family);
  const words = Math.ceil(Number(prefix) / 32);
  const parts: Instruction[][] = [];
  for (let word = 0; word < words; word++) {
    const bits = Math.min(32, Number(prefix) - 32 * word);
    const mask = bits === 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
    const value = bytes.getUint32(4 * word) & mask;
    parts.push([
      { code: codes.load, jt: 0, jf: 0, k: NETWORK_HEADER + SOURCE_AT[family] + 4 * word },
      ...(bits === 32 ? [] : [{ code: codes.and, jt: 0, jf: 0, k: mask }]),
      { code: codes.jumpEqual, jt: 0, jf: 0, k: value >>> 0 },
    ]);
  }
  const flat = parts.flat();
  // To the instruction after the one that stands behind this block.
  return flat.map((one, at) => (one.code === codes.jumpEqual ? { ...one, jf: flat.length - at } : one));
}

function addressBytes(address: string, family: Family): DataView {
  const bytes = encodeSocketAddress({ family: 'inet', address, port: 0 });
  return new DataView(bytes.buffer, bytes.byteOffset + (family === 'IPv4' ? 4 : 8));
}

function end(keep: boolean): Instruction {
  return { code: codes.end, jt: 0, jf: 0, k: keep ? KEEP : 0 };
}

/** struct sock_filter[], in the machine's byte order. */
export function filterBytes(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length);
  const halves = new Uint16Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  for (const [at, { code, jt, jf, k }] of program.entries()) {
    halves[4 * at] = code;
    bytes[8 * at + 2] = jt;
    bytes[8 * at + 3] = jf;
    words[2 * at + 1] = k;
  }
  return bytes;
}
