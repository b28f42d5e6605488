// Addresses of the pods of this node, on disk: a later run neither gives a held address out nor loses one.
// Knows ranges and owners; puts no address on an interface.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AddressPool } from '../../node/address-pool.ts';

export interface Lease {
  readonly address: string;
  readonly family: 4 | 6;
  readonly gateway: string;
}

const SUFFIX = '.json';

export class Ipam {
  readonly #dir: string;
  readonly #pools: readonly AddressPool[];
  readonly #leases = new Map<string, readonly Lease[]>();

  /** One range a family; the first one is the primary. Reads what earlier runs gave. */
  constructor(dir: string, cidrs: readonly string[]) {
    this.#dir = dir;
    this.#pools = cidrs.map((cidr) => new AddressPool(cidr));
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(dir)) this.#load(name);
  }

  get pools(): readonly AddressPool[] {
    return this.#pools;
  }

  /** An address of every range, the same for an owner that has them; `wanted` ones where the range has them. */
  acquire(owner: string, wanted: readonly string[] = []): readonly Lease[] {
    const held = this.#leases.get(owner);
    if (held !== undefined) return held;
    try {
      for (const address of wanted) this.#hold(owner, address);
      const leases = this.#pools.map((pool) => leaseOf(pool, pool.acquire(owner)));
      const file = join(this.#dir, `${encodeURIComponent(owner)}${SUFFIX}`);
      writeFileSync(`${file}.new`, JSON.stringify(leases.map((lease) => lease.address)));
      renameSync(`${file}.new`, file);
      this.#leases.set(owner, leases);
      return leases;
    } catch (error) {
      for (const pool of this.#pools) pool.release(owner);
      throw error;
    }
  }

  of(owner: string): readonly Lease[] {
    return this.#leases.get(owner) ?? [];
  }

  owners(): string[] {
    return [...this.#leases.keys()];
  }

  release(owner: string): void {
    rmSync(join(this.#dir, `${encodeURIComponent(owner)}${SUFFIX}`), { force: true });
    this.#leases.delete(owner);
    for (const pool of this.#pools) pool.release(owner);
  }

  #hold(owner: string, address: string): void {
    if (this.#pools.some((pool) => pool.hold(owner, address))) return;
    const ranges = this.#pools.map((pool) => pool.cidr).join(', ');
    throw new Error(`Address "${address}" is in use, or none that a pod can have of ${ranges}`);
  }

  #load(name: string): void {
    const file = join(this.#dir, name);
    // Cut short by a crash before it had its name.
    if (!name.endsWith(SUFFIX)) {
      rmSync(file, { force: true });
      return;
    }
    const owner = decodeURIComponent(name.slice(0, -SUFFIX.length));
    const addresses = readAddresses(file);
    const leases = this.#pools.map((pool) => {
      const address = addresses.find((one) => pool.hold(owner, one));
      return address === undefined ? undefined : leaseOf(pool, address);
    });
    // After a change of ranges an old address is worth nothing: its pod gets a new one.
    if (leases.some((lease) => lease === undefined)) this.release(owner);
    else
      this.#leases.set(
        owner,
        leases.filter((lease) => lease !== undefined),
      );
  }
}

function leaseOf(pool: AddressPool, address: string): Lease {
  return { address, family: pool.family, gateway: pool.gateway };
}

function readAddresses(file: string): string[] {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  } catch {
    // Whoever wrote this was not us; the address is free when nothing holds it.
    return [];
  }
}
