// The node that answers for an address by layer 2: chosen by every node alike, without a word between them.
// Pure; knows names and numbers. Upstream: speaker/layer2_controller.go of metallb.io.
import { sha256 } from '#lib/sha256.ts';

export interface Candidate {
  readonly node: string;
  /** The highest comes first: how many of the Services at the address it can serve, then how much it is preferred. */
  readonly serves: number;
  readonly preference: number;
}

/** What was computed before: the same pairs come again with every change. */
export type HashMemory = Map<string, string>;

/** More than any cluster has at a time, and little memory. */
const REMEMBERED = 100_000;

/**
 * The first by what it serves, by preference, and by the hash of `NODE#ADDRESS`. Each stands for itself: one that goes
 * moves only what it had, one that comes takes only what it is first for.
 */
export function elect(
  candidates: Iterable<Candidate>,
  address: string,
  memory: HashMemory = new Map(),
): string | undefined {
  let first: Candidate | undefined;
  let lowest = '';
  for (const candidate of candidates) {
    const rank = first === undefined ? -1 : compare(candidate, first);
    if (rank > 0) continue;
    const hash = hashOf(candidate.node, address, memory);
    if (rank === 0 && hash > lowest) continue;
    first = candidate;
    lowest = hash;
  }
  return first?.node;
}

/** Below zero when `a` comes first whatever the hashes say. */
function compare(a: Candidate, b: Candidate): number {
  return b.serves - a.serves || b.preference - a.preference;
}

function hashOf(node: string, address: string, memory: HashMemory): string {
  const text = `${node}#${address}`;
  let hash = memory.get(text);
  if (hash === undefined) {
    hash = sha256(text);
    if (memory.size >= REMEMBERED) memory.clear();
    memory.set(text, hash);
  }
  return hash;
}
