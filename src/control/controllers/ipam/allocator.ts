// Gives Services their addresses out of the pools, and lets them keep what they have.
// Pure and deterministic: the same calls give the same addresses. Upstream: internal/allocator of metallb.io.
import { type Address, type AddressRange, type Family, formatAddress } from '#lib/address-range.ts';
import { admits, hasFamily, holds, offers, type Pool, poolId, poolsFor } from '#traffic/model/pools/pool.ts';
import { AddressBook } from './address-book.ts';
import type { Claim, Terms } from './claim.ts';
import { exhausted, noEligiblePool, noPoolNamed } from './pool-refusals.ts';
import { type Refusal, refusal } from './refusal.ts';

export interface Assigned {
  readonly address: Address;
  /** That holds the address now; absent when none does. */
  readonly pool?: Pool;
}

export interface Outcome {
  /** What the Service has from now on. */
  readonly addresses: readonly Assigned[];
  /** Why it has nothing, less than it might, or something else than it asks for. */
  readonly refusal?: Refusal;
  /** What it had to give back, and why. */
  readonly given?: { readonly back: readonly Address[]; readonly cause: Refusal };
}

export class Allocator {
  readonly #book = new AddressBook();
  #pools: readonly Pool[] = [];
  /** Per pool and range: everything below was given out at some time, and is remembered. */
  readonly #frontiers = new Map<string, bigint>();
  #forgotten = 0;

  /** Takes nobody's address away; what no pool holds any more is stale. */
  setPools(pools: readonly Pool[]): void {
    this.#pools = pools;
    this.#frontiers.clear();
  }

  get pools(): readonly Pool[] {
    return this.#pools;
  }

  get book(): AddressBook {
    return this.#book;
  }

  poolOf(address: Address): Pool | undefined {
    return this.#pools.find((pool) => holds(pool, address));
  }

  /**
   * A Service comes with addresses from before, as after a restart. They are its own unless another has them already;
   * whether they fit what it asks for is asked in `settle`.
   */
  adopt(terms: Terms, addresses: readonly Address[]): Refusal | undefined {
    for (const address of addresses) {
      const why = this.#book.obstacle(terms, address);
      if (why !== undefined) return why;
    }
    this.#book.take(terms, addresses);
    return undefined;
  }

  release(key: string): readonly Address[] {
    return this.#book.release(key);
  }

  /** Makes it so that the Service has what it asks for, if that can be. Asked again without any change, it changes nothing. */
  settle(claim: Claim): Outcome {
    const before = this.#book.heldBy(claim.key);
    if (before.length === 0) return this.#allocate(claim);
    const misfit = this.#misfit(claim, before);
    if (misfit !== undefined) return this.#replace(claim, before, misfit);
    // As it stands now: its ports and its sharing key may have changed.
    this.#book.take(claim, before);
    return before.length < claim.families.length && claim.addresses.length === 0
      ? this.#extend(claim, before)
      : this.#kept(before);
  }

  #kept(addresses: readonly Address[]): Outcome {
    const stale = addresses.filter((address) => this.poolOf(address) === undefined).map(formatAddress);
    const outcome = { addresses: this.#assigned(addresses) };
    if (stale.length === 0) return outcome;
    const message = `No pool holds ${stale.join(', ')} any more; the Service keeps it. Put it back into a pool, or remove the address by changing the Service to another type and back`;
    return { ...outcome, refusal: refusal('StaleAddress', message) };
  }

  #assigned(addresses: readonly Address[]): Assigned[] {
    return addresses.map((address) => {
      const pool = this.poolOf(address);
      return { address, ...(pool === undefined ? {} : { pool }) };
    });
  }

  /** Why a Service cannot keep what it has; `mayWait` when it may until it can have what it asks for. */
  #misfit(claim: Claim, held: readonly Address[]): { cause: Refusal; mayWait: boolean } | undefined {
    for (const address of held) {
      const why = this.#book.obstacle(claim, address);
      if (why !== undefined) return { cause: why, mayWait: false };
    }
    const texts = held.map(formatAddress);
    const foreign = held.find(({ family }) => !claim.families.includes(family));
    if (foreign !== undefined) {
      const message = `${formatAddress(foreign)} is of a family that the Service has no more`;
      return { cause: refusal('FamilyMismatch', message), mayWait: false };
    }
    const asked = claim.addresses.map(formatAddress);
    if (asked.length > 0 && (asked.length !== texts.length || asked.some((text) => !texts.includes(text)))) {
      const message = `The Service asks for ${asked.join(', ')} in place of ${texts.join(', ')}`;
      return { cause: refusal('AddressNotInPool', message), mayWait: true };
    }
    if (claim.pool !== undefined) {
      const wanted = claim.pool;
      const elsewhere = held.find((address) => {
        const pool = this.poolOf(address);
        return pool !== undefined && pool.name !== wanted;
      });
      if (elsewhere !== undefined) {
        const message = `The Service asks for pool "${wanted}" in place of ${formatAddress(elsewhere)}`;
        return { cause: refusal('PoolMismatch', message), mayWait: true };
      }
    }
    return undefined;
  }

  /** A wish that cannot be met must not cost the traffic there is; what others have first claim to is given back. */
  #replace(
    claim: Claim,
    before: readonly Address[],
    { cause, mayWait }: { cause: Refusal; mayWait: boolean },
  ): Outcome {
    // Free for the moment, so that it may get a part of it again.
    this.#book.release(claim.key);
    const outcome = this.#allocate(claim);
    if (mayWait && outcome.addresses.length === 0) {
      this.#book.take(claim, before);
      return { ...outcome, addresses: this.#assigned(before) };
    }
    const now = new Set(outcome.addresses.map(({ address }) => formatAddress(address)));
    const back = before.filter((address) => !now.has(formatAddress(address)));
    return back.length === 0 ? outcome : { ...outcome, given: { back, cause } };
  }

  /** The missing family as well, out of the same pool if it has it. */
  #extend(claim: Claim, before: readonly Address[]): Outcome {
    const own = before.flatMap((address) => this.poolOf(address) ?? []);
    const others = claim.pool === undefined ? poolsFor(this.#pools, claim) : [];
    const found = [...before];
    const missing = claim.families.filter((family) => before.every((address) => address.family !== family));
    for (const family of missing) {
      const address = this.#pick(claim, family, [...own, ...others]);
      if (address !== undefined) found.push(address);
    }
    if (found.length === before.length) {
      const kept = this.#kept(before);
      const why = exhausted([...own, ...others], missing, claim.needsAll);
      return kept.refusal === undefined ? { ...kept, refusal: why } : kept;
    }
    this.#book.take(claim, found);
    return this.#kept(found);
  }

  #allocate(claim: Claim): Outcome {
    const found = claim.addresses.length > 0 ? this.#requested(claim) : this.#choose(claim, this.#candidates(claim));
    if ('reason' in found) return { addresses: [], refusal: found };
    this.#book.take(claim, found.addresses);
    return { addresses: this.#assigned(found.addresses), ...(found.refusal && { refusal: found.refusal }) };
  }

  /** Pools to try, in order; a refusal when there is none. */
  #candidates(claim: Claim): readonly Pool[] | Refusal {
    if (this.#pools.length === 0) {
      const message =
        'There is no pool of addresses; create an AddressPool (evenkeel.dev) or an IPAddressPool (metallb.io)';
      return refusal('NoAddressPool', message);
    }
    if (claim.pool !== undefined) {
      const named = this.#pools.filter(({ name }) => name === claim.pool);
      if (named.length === 0) return noPoolNamed(claim.pool, this.#pools);
      const open = named.filter((pool) => admits(pool, claim));
      return open.length > 0 ? open : notAllowed(claim.pool);
    }
    const list = poolsFor(this.#pools, claim);
    return list.length > 0 ? list : noEligiblePool(this.#pools, claim);
  }

  #choose(
    claim: Claim,
    pools: readonly Pool[] | Refusal,
  ): { addresses: readonly Address[]; refusal?: Refusal } | Refusal {
    if ('reason' in pools) return pools;
    // One pool for all families, if one has room; else one for each.
    for (const pool of pools) {
      const addresses = this.#pickAll(claim, [pool]);
      if (addresses.length === claim.families.length) return { addresses };
    }
    const addresses = this.#pickAll(claim, pools);
    if (addresses.length === claim.families.length) return { addresses };
    const missing = claim.families.filter((family) => addresses.every((address) => address.family !== family));
    const why = exhausted(pools, missing, claim.needsAll);
    return addresses.length === 0 || claim.needsAll ? why : { addresses, refusal: why };
  }

  #pickAll(claim: Claim, pools: readonly Pool[]): Address[] {
    return claim.families.flatMap((family) => this.#pick(claim, family, pools) ?? []);
  }

  #pick(claim: Claim, family: Family, pools: readonly Pool[]): Address | undefined {
    for (const pool of pools) {
      if (!hasFamily(pool, family)) continue;
      const fits = (address: Address): boolean => address.family === family && offers(pool, address);
      const shared = this.#book.sharable(claim).find(fits);
      // A Service that comes back gets back what it had; nobody else gets an address while there are fresher ones.
      const address =
        shared ?? this.#book.lastOf(claim.key).find(fits) ?? this.#fresh(pool, family) ?? this.#oldest(fits);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  #oldest(fits: (address: Address) => boolean): Address | undefined {
    for (const address of this.#book.free()) if (fits(address)) return address;
    return undefined;
  }

  /** The lowest address that nobody ever had, as far as is remembered. */
  #fresh(pool: Pool, family: Family): Address | undefined {
    if (this.#forgotten !== this.#book.forgotten) this.#frontiers.clear();
    this.#forgotten = this.#book.forgotten;
    for (const range of pool.ranges) {
      if (range.family !== family) continue;
      const id = `${poolId(pool)}|${range.first}`;
      const found = this.#scan(pool, range, this.#frontiers.get(id) ?? range.first);
      this.#frontiers.set(id, found?.value ?? range.last + 1n);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #scan(pool: Pool, range: AddressRange, from: bigint): Address | undefined {
    for (let value = from; value <= range.last; value++) {
      const address = { family: range.family, value };
      if (offers(pool, address) && this.#book.isFresh(address)) return address;
    }
    return undefined;
  }

  #requested(claim: Claim): { addresses: readonly Address[]; refusal?: Refusal } | Refusal {
    for (const address of claim.addresses) {
      const why = this.#wish(claim, address) ?? this.#book.obstacle(claim, address);
      if (why !== undefined) return why;
    }
    return { addresses: claim.addresses };
  }

  #wish(claim: Claim, address: Address): Refusal | undefined {
    const text = formatAddress(address);
    const pool = this.#pools.find((each) => offers(each, address));
    if (pool === undefined) {
      const buggy = this.poolOf(address);
      const why =
        buggy === undefined
          ? `${text} is in no pool; put it into an AddressPool or IPAddressPool, or ask for one that is`
          : `${text} ends in .0 or .255, which pool "${buggy.name}" leaves out (avoidBuggyIPs); ask for another address`;
      return refusal('AddressNotInPool', why);
    }
    if (claim.pool !== undefined && pool.name !== claim.pool) {
      const message = `${text} is of pool "${pool.name}", and the Service asks for pool "${claim.pool}" as well; remove one of the two annotations`;
      return refusal('PoolMismatch', message);
    }
    return admits(pool, claim) ? undefined : notAllowed(pool.name);
  }
}

function notAllowed(pool: string): Refusal {
  const message = `Pool "${pool}" is not for this Service: its allocation names other namespaces or labels; ask for another pool, or change the allocation`;
  return refusal('PoolNotAllowed', message);
}
