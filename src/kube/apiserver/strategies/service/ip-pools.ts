// The ranges that cluster IPs come from: those the server was started with, and those added while it runs.
// Knows addresses by their family; that ranges are objects is not known here.
import { addressValue, type Family, IpPool, type Reservation } from './ip-pool.ts';

/** One of a family, or both; the first is of the cluster's default family, and its first address is the API's. */
export class IpPools {
  readonly #primary: IpPool;
  /** By family, the default one first: a cluster has those it was started with. */
  readonly #families: ReadonlyMap<Family, FamilyPools>;

  /** Throws when a range is none, or when there is more than one of a family. */
  constructor(serviceCidr: string, random: () => number) {
    const [primary, ...others] = serviceCidr.split(',').map((cidr) => new FamilyPools(cidr.trim(), random));
    if (primary === undefined || others.length > 1 || others[0]?.first.family === primary.first.family) {
      throw new Error(
        `Service CIDR "${serviceCidr}" is not one range, or one of each family. Write e.g. 10.96.0.0/16,fd00:10:96::/112`,
      );
    }
    this.#primary = primary.first;
    this.#families = new Map([primary, ...others].map((pools) => [pools.first.family, pools]));
  }

  get primary(): Family {
    return this.#primary.family;
  }

  /** The default one first. */
  get families(): readonly Family[] {
    return [...this.#families.keys()];
  }

  /** The ranges the server was started with, the default one first. */
  get cidrs(): readonly string[] {
    return [...this.#families.values()].map(({ first }) => first.cidr);
  }

  /** The first usable address of the default range: the API server's own Service. */
  first(): string {
    return this.#primary.first();
  }

  has(family: Family): boolean {
    return this.#families.has(family);
  }

  /** The ranges addresses of the family are taken from, for people. */
  describe(family: Family): string {
    return this.#families.get(family)?.describe() ?? 'none';
  }

  /** Replaces what addresses are taken from; ranges of a family that the cluster has not are left out. Throws for one that is no range. */
  use(cidrs: readonly string[]): void {
    for (const pools of this.#families.values()) pools.use(cidrs);
  }

  reserve(address: string): Reservation {
    return this.#of(address)?.reserve(address) ?? 'outside';
  }

  /** Notes that an object has the address, whatever range it is of. */
  hold(address: string): void {
    this.#of(address)?.hold(address);
  }

  release(address: string): void {
    this.#of(address)?.release(address);
  }

  /** A free address, reserved; undefined when there is none. */
  next(family: Family): string | undefined {
    return this.#families.get(family)?.next();
  }

  #of(address: string): FamilyPools | undefined {
    return this.#families.get(familyOf(address));
  }
}

/** Ranges of one family, which may overlap: what is taken is taken in all of them. */
class FamilyPools {
  readonly first: IpPool;
  readonly #taken = new Set<bigint>();
  readonly #random: () => number;
  #pools: readonly IpPool[];

  constructor(cidr: string, random: () => number) {
    this.#random = random;
    this.first = new IpPool(cidr, random, this.#taken);
    this.#pools = [this.first];
  }

  use(cidrs: readonly string[]): void {
    const own = cidrs.filter((cidr) => familyOf(cidr) === this.first.family);
    const known = new Map([this.first, ...this.#pools].map((pool) => [pool.cidr, pool]));
    this.#pools = own.map((cidr) => known.get(cidr) ?? new IpPool(cidr, this.#random, this.#taken));
  }

  describe(): string {
    return this.#pools.map(({ cidr }) => cidr).join(', ') || 'none';
  }

  /** As upstream, any range that holds the address will do. */
  reserve(address: string): Reservation {
    let outcome: Reservation = 'outside';
    for (const pool of this.#pools) {
      const of = pool.reserve(address);
      if (of === 'reserved' || of === 'taken') return of;
      if (of === 'edge') outcome = of;
    }
    return outcome;
  }

  hold(address: string): void {
    const value = addressValue(address);
    if (value !== undefined) this.#taken.add(value);
  }

  release(address: string): void {
    const value = addressValue(address);
    if (value !== undefined) this.#taken.delete(value);
  }

  next(): string | undefined {
    for (const pool of this.#pools) {
      const address = pool.next();
      if (address !== undefined) return address;
    }
    return undefined;
  }
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
