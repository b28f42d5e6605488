// How a set of endpoints is laid out as a table of slots, one of which is taken for each connection.
// The same for every driver, so that a client or a share is the same whichever runs. Knows no kernel.
import { MaglevTable } from '#traffic/balancer/hashing/maglev-table.ts';
import type { PortRules, RuleEndpoint } from './rule-model.ts';

/** Primes; a hundred slots for each endpoint where a table can have them. */
const TABLE_SIZES = [251, 1021, 4093, 16_381] as const;
/** Weights that need more slots than this are rounded to a table of their own. */
const MOST_EXACT = 1021;

export interface Slots {
  /** `number`: a slot at random. `source`: by a hash of the client's address. */
  readonly by: 'number' | 'source';
  /** Place of the endpoint in its set, for each slot. */
  readonly owners: Uint32Array;
  /** Every endpoint has one slot: their order means nothing, and one may be put in another's place. */
  readonly interchangeable: boolean;
}

export function slotsOf(set: readonly RuleEndpoint[], pick: PortRules['pick']): Slots {
  if (pick === 'source_hash') {
    const wanted = set.length * 100;
    const size = TABLE_SIZES.find((one) => one >= wanted) ?? TABLE_SIZES[TABLE_SIZES.length - 1] ?? 1;
    return { by: 'source', owners: maglev(set, size), interchangeable: false };
  }
  const [first] = set;
  if (first === undefined || set.every(({ weight }) => weight === first.weight)) {
    return { by: 'number', owners: Uint32Array.from(set, (_, place) => place), interchangeable: true };
  }
  const divisor = set.reduce((common, { weight }) => gcd(common, weight), 0);
  const shares = set.map(({ weight }) => weight / divisor);
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (total > MOST_EXACT) return { by: 'number', owners: maglev(set, MOST_EXACT), interchangeable: false };
  const owners = shares.flatMap((share, place) => Array<number>(share).fill(place));
  return { by: 'number', owners: Uint32Array.from(owners), interchangeable: false };
}

/** The share of connections that each endpoint of the set takes, in its order. */
export function chancesOf(set: readonly RuleEndpoint[], pick: PortRules['pick']): readonly number[] {
  const { owners } = slotsOf(set, pick);
  const counts = Array<number>(set.length).fill(0);
  for (const owner of owners) counts[owner] = (counts[owner] ?? 0) + 1;
  return counts.map((count) => count / owners.length);
}

function maglev(set: readonly RuleEndpoint[], size: number): Uint32Array {
  const targets = set.map((endpoint, index) => ({ ...endpoint, index, inFlight: () => 0 }));
  const table = new MaglevTable(targets, size);
  return Uint32Array.from({ length: table.size }, (_, slot) => table.ownerAt(slot));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
