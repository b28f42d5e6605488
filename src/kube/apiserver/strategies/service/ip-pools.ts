// The ranges that cluster IPs come from: one, or one of each family; the first is the cluster's default.
// Knows addresses by their family.
import { type Family, IpPool, type Reservation } from './ip-pool.ts';

export class IpPools {
  readonly #pools: ReadonlyMap<Family, IpPool>;
  readonly #primary: IpPool;

  /** Throws when a range is none, or when there is more than one of a family. */
  constructor(serviceCidr: string, random: () => number) {
    const [primary, ...others] = serviceCidr.split(',').map((cidr) => new IpPool(cidr.trim(), random));
    if (primary === undefined || others.length > 1 || others[0]?.family === primary.family) {
      throw new Error(
        `Service CIDR "${serviceCidr}" is not one range, or one of each family. Write e.g. 10.96.0.0/16,fd00:10:96::/112`,
      );
    }
    this.#primary = primary;
    this.#pools = new Map([primary, ...others].map((pool) => [pool.family, pool]));
  }

  get primary(): Family {
    return this.#primary.family;
  }

  /** The default one first. */
  get families(): readonly Family[] {
    return [...this.#pools.keys()];
  }

  /** The first usable address of the default range: the API server's own Service. */
  first(): string {
    return this.#primary.first();
  }

  of(family: Family): IpPool | undefined {
    return this.#pools.get(family);
  }

  reserve(address: string): Reservation {
    return this.of(familyOf(address))?.reserve(address) ?? 'outside';
  }

  release(address: string): void {
    this.of(familyOf(address))?.release(address);
  }
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
