// The blocks of one size that a range of addresses divides into: which are taken, and which is next.
// Pure: knows numbers, and no node.
import {
  type AddressRange,
  bitsOf,
  blockOf,
  type Family,
  formatRange,
  overlap,
  parseRange,
  sizeOf,
} from '#lib/address-range.ts';

/** As upstream: more would be bookkeeping without end (an IPv6 /48 has 65,536 blocks of /64). */
const MOST_BITS = 16;

/** Why a range cannot be divided so, as a clause; undefined where it can. */
export function divisionObstacle(cidr: string, prefix: number): string | undefined {
  const range = cidr.includes('/') ? parseRange(cidr) : undefined;
  if (range === undefined) return `"${cidr}" is no range of addresses`;
  const own = prefixOf(range);
  if (prefix > bitsOf(range.family)) return `addresses of ${cidr} have no more than ${bitsOf(range.family)} bits`;
  if (prefix < own) return `a /${prefix} is wider than ${cidr}`;
  return prefix - own > MOST_BITS ? `${cidr} has more than 65,536 blocks of /${prefix}` : undefined;
}

export class CidrPool {
  readonly cidr: string;
  readonly family: Family;
  readonly #range: AddressRange;
  readonly #prefix: number;
  /** How many ranges of nodes lie in a block, by its number; what is not in here is free. */
  readonly #taken = new Map<bigint, number>();
  /** Where the search begins: ranges that were given back rest for as long as others are left. */
  #next = 0n;

  /** Throws for what `divisionObstacle` tells. */
  constructor(cidr: string, prefix: number) {
    const obstacle = divisionObstacle(cidr, prefix);
    const range = parseRange(cidr);
    if (obstacle !== undefined || range === undefined) throw new RangeError(obstacle);
    this.#range = range;
    this.#prefix = prefix;
    this.family = range.family;
    this.cidr = formatRange(range);
  }

  /** A range that some node has, of whatever size; what lies elsewhere is nobody's business here. */
  occupy(cidr: string): void {
    for (const block of this.#blocksOf(cidr)) this.#taken.set(block, (this.#taken.get(block) ?? 0) + 1);
  }

  release(cidr: string): void {
    for (const block of this.#blocksOf(cidr)) {
      const left = (this.#taken.get(block) ?? 0) - 1;
      if (left > 0) this.#taken.set(block, left);
      else this.#taken.delete(block);
    }
  }

  /** The next free block, which is taken from now on; undefined when there is none. */
  take(): string | undefined {
    const count = sizeOf(this.#range) / this.#size();
    for (let tried = 0n; tried < count; tried += 1n) {
      const block = (this.#next + tried) % count;
      if (this.#taken.has(block)) continue;
      this.#next = block + 1n;
      this.#taken.set(block, 1);
      const value = this.#range.first + block * this.#size();
      return formatRange(blockOf({ family: this.family, value }, this.#prefix));
    }
    return undefined;
  }

  #size(): bigint {
    return 1n << BigInt(bitsOf(this.family) - this.#prefix);
  }

  *#blocksOf(cidr: string): Iterable<bigint> {
    const range = parseRange(cidr);
    if (range === undefined || !overlap(range, this.#range)) return;
    // Of two blocks that overlap one lies within the other.
    const { first, last } = sizeOf(range) < sizeOf(this.#range) ? range : this.#range;
    const blockAt = (value: bigint): bigint => (value - this.#range.first) / this.#size();
    for (let block = blockAt(first); block <= blockAt(last); block += 1n) yield block;
  }
}

function prefixOf(range: AddressRange): number {
  return Number(formatRange(range).split('/')[1]);
}
