// Who has which address: the memory of the allocator, with the rules of sharing.
// Pure; knows no pool, so that an address is kept whatever becomes of the pools.
import { type Address, formatAddress } from '#lib/address-range.ts';
import type { Terms } from './claim.ts';
import { type Refusal, refusal } from './refusal.ts';

/** Addresses given back are remembered up to this many; a pool that is larger has others to give first. */
const REMEMBERED = 65_536;

export class AddressBook {
  readonly #held = new Map<string, { readonly addresses: readonly Address[]; readonly terms: Terms }>();
  /** By the text of the address. */
  readonly #holders = new Map<string, Map<string, Terms>>();
  /** Addresses in use, by the sharing key of those who have them. */
  readonly #shared = new Map<string, Set<string>>();
  /** Addresses given back and free since, the longest ago first, with who had them last. */
  readonly #released = new Map<string, { readonly address: Address; readonly by: string }>();
  /** Texts of released addresses by who had them last. */
  readonly #lastOf = new Map<string, Set<string>>();
  #forgotten = 0;

  /** In the order in which they were given. */
  heldBy(key: string): readonly Address[] {
    return this.#held.get(key)?.addresses ?? [];
  }

  /** Keys of all who have an address. */
  keys(): IterableIterator<string> {
    return this.#held.keys();
  }

  /** Counts addresses given back that are remembered no more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Every address that somebody has, once. */
  *inUse(): Generator<Address> {
    const seen = new Set<string>();
    for (const { addresses } of this.#held.values()) {
      for (const address of addresses) {
        const text = formatAddress(address);
        if (seen.has(text)) continue;
        seen.add(text);
        yield address;
      }
    }
  }

  /** Why a Service may not have an address; undefined when it may. */
  obstacle(claim: Terms, address: Address): Refusal | undefined {
    const text = formatAddress(address);
    for (const other of this.#holders.get(text)?.values() ?? []) {
      if (other.key === claim.key) continue;
      const why = clash(text, claim, other);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** Replaces whatever the Service had. The caller has asked `obstacle` before; throws when it has not. */
  take(claim: Terms, addresses: readonly Address[]): void {
    for (const address of addresses) {
      const why = this.obstacle(claim, address);
      if (why !== undefined) throw new Error(`Two Services would clash on ${formatAddress(address)}: ${why.message}`);
    }
    this.#forget(claim.key, new Set(addresses.map(formatAddress)));
    const { key, ports, sharingKey, backends } = claim;
    const terms = { key, ports, sharingKey, backends };
    for (const address of addresses) {
      const text = formatAddress(address);
      this.#unrelease(text);
      const holders = this.#holders.get(text) ?? new Map<string, Terms>();
      this.#holders.set(text, holders.set(key, terms));
      if (sharingKey === '') continue;
      this.#shared.set(sharingKey, (this.#shared.get(sharingKey) ?? new Set()).add(text));
    }
    if (addresses.length > 0) this.#held.set(key, { addresses, terms });
  }

  /** What it gave back. */
  release(key: string): readonly Address[] {
    const { addresses = [] } = this.#held.get(key) ?? {};
    this.#forget(key, new Set());
    return addresses;
  }

  /** Addresses of others that share with this Service, in their order. */
  sharable(claim: Terms): Address[] {
    const texts = claim.sharingKey === '' ? [] : (this.#shared.get(claim.sharingKey) ?? []);
    const found: Address[] = [];
    for (const text of texts) {
      const [holder] = this.#holders.get(text)?.keys() ?? [];
      const address = this.heldBy(holder ?? '').find((one) => formatAddress(one) === text);
      if (address !== undefined && this.obstacle(claim, address) === undefined) found.push(address);
    }
    return found.sort((a, b) => (a.value < b.value ? -1 : 1));
  }

  /** Free addresses that were given back, that which is free the longest first. */
  *free(): Generator<Address> {
    for (const { address } of this.#released.values()) yield address;
  }

  /** Free addresses that this Service was the last to have. */
  lastOf(key: string): Address[] {
    return [...(this.#lastOf.get(key) ?? [])].flatMap((text) => this.#released.get(text)?.address ?? []);
  }

  /** Free, and never given back as far as is remembered. */
  isFresh(address: Address): boolean {
    const text = formatAddress(address);
    return !this.#holders.has(text) && !this.#released.has(text);
  }

  #forget(key: string, kept: ReadonlySet<string>): void {
    const before = this.#held.get(key);
    if (before === undefined) return;
    this.#held.delete(key);
    for (const address of before.addresses) {
      const text = formatAddress(address);
      const holders = this.#holders.get(text);
      holders?.delete(key);
      this.#unshare(before.terms.sharingKey, text);
      if (holders === undefined || holders.size > 0) continue;
      this.#holders.delete(text);
      if (kept.has(text)) continue;
      this.#released.set(text, { address, by: key });
      this.#lastOf.set(key, (this.#lastOf.get(key) ?? new Set()).add(text));
      if (this.#released.size <= REMEMBERED) continue;
      const [oldest = ''] = this.#released.keys();
      this.#unrelease(oldest);
      this.#forgotten += 1;
    }
  }

  #unrelease(text: string): void {
    const by = this.#released.get(text)?.by;
    if (by === undefined) return;
    this.#released.delete(text);
    const last = this.#lastOf.get(by);
    last?.delete(text);
    if (last?.size === 0) this.#lastOf.delete(by);
  }

  #unshare(sharingKey: string, text: string): void {
    const texts = this.#shared.get(sharingKey);
    if (texts === undefined) return;
    for (const other of this.#holders.get(text)?.values() ?? []) if (other.sharingKey === sharingKey) return;
    texts.delete(text);
    if (texts.size === 0) this.#shared.delete(sharingKey);
  }
}

/** Both must say the same key, use different ports, and send traffic to the same places. */
function clash(address: string, claim: Terms, other: Terms): Refusal | undefined {
  const hint = 'annotation evenkeel.dev/allow-shared-ip';
  if (claim.sharingKey === '' || other.sharingKey === '') {
    const who = claim.sharingKey === '' ? `this Service has no ${hint}` : `that Service has no ${hint}`;
    return refusal(
      'AddressInUse',
      `${address} is that of Service "${other.key}", and ${who}; ask for another address, or give both the same key`,
    );
  }
  if (claim.sharingKey !== other.sharingKey) {
    return refusal(
      'SharingKeyMismatch',
      `${address} is shared under the key "${other.sharingKey}" by Service "${other.key}", and this Service has "${claim.sharingKey}"; give both the same ${hint}`,
    );
  }
  const port = claim.ports.find((each) => other.ports.includes(each));
  if (port !== undefined) {
    return refusal(
      'PortConflict',
      `Port ${port} of ${address} is that of Service "${other.key}", which shares the address; choose another port, or another sharing key`,
    );
  }
  if (claim.backends !== other.backends) {
    return refusal(
      'SharingPolicyConflict',
      `${address} is shared with Service "${other.key}", but their traffic goes different ways; both need externalTrafficPolicy: Cluster, or Local with the same selector`,
    );
  }
  return undefined;
}
