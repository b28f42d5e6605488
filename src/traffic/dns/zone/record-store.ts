// The records as published so far, by owner name; a change costs what it changes.
// Knows nothing of questions; which names lie in which zone is for `cluster-zone.ts`.
import type { DnsPart, DnsRecord, DnsUpdate } from '#traffic/model/dns/ir-dns.ts';
import { labelsOf } from '../wire/name.ts';
import { recordData, type TypedData } from '../wire/record-data.ts';
import type { PreparedAnswer } from './prepared-answer.ts';

export interface Owner {
  readonly name: string;
  /** Several objects may tell of one name: the address of a pod that two Services share. */
  readonly parts: Map<string, readonly DnsRecord[]>;
  records: readonly TypedData[];
  /** Answers made ready, by type. */
  readonly prepared: Map<number, PreparedAnswer>;
  /** Owners whose answers tell of this one as well. */
  readonly toldBy: Set<Owner>;
}

export class RecordStore {
  readonly #parts = new Map<string, DnsPart>();
  readonly #owners = new Map<string, Owner>();
  /** How many owners lie below a name of the domain: such a name exists, also without records of its own. */
  readonly #below = new Map<string, number>();
  readonly #domain: string;

  /** Names without records are kept track of within `domain` alone. */
  constructor(domain: string) {
    this.#domain = domain;
  }

  get size(): number {
    return this.#owners.size;
  }

  apply(update: DnsUpdate): void {
    for (const [part, names] of update) {
      const before = this.#parts.get(part);
      if (names === undefined) this.#parts.delete(part);
      else this.#parts.set(part, names);
      for (const owner of before?.keys() ?? []) if (names?.has(owner) !== true) this.#remove(owner, part);
      for (const [owner, records] of names ?? []) {
        const known = before?.get(owner);
        if (known === undefined || !same(known, records)) this.#put(owner, part, records);
      }
    }
  }

  /** Undefined when there is no such name; empty when it has no records. `name` is in lower case. */
  find(name: string): readonly TypedData[] | undefined {
    return this.#owners.get(name)?.records ?? (this.#below.has(name) ? [] : undefined);
  }

  /** Only a name with records or a place of its own, which may be empty; not one that merely lies above another. */
  owner(name: string): Owner | undefined {
    return this.#owners.get(name);
  }

  #put(name: string, part: string, records: readonly DnsRecord[]): void {
    // What can never be asked for would never be found either.
    if (labelsOf(name) === undefined) return;
    let owner = this.#owners.get(name);
    if (owner === undefined) {
      owner = { name, parts: new Map(), records: [], prepared: new Map(), toldBy: new Set() };
      this.#owners.set(name, owner);
      this.#count(name, 1);
    }
    owner.parts.set(part, records);
    renew(owner);
  }

  #remove(name: string, part: string): void {
    const owner = this.#owners.get(name);
    if (owner === undefined) return;
    owner.parts.delete(part);
    renew(owner);
    if (owner.parts.size > 0) return;
    this.#owners.delete(name);
    this.#count(name, -1);
  }

  #count(name: string, by: 1 | -1): void {
    if (!name.endsWith(`.${this.#domain}`)) return;
    let above = name;
    while (above.length > this.#domain.length) {
      above = above.slice(above.indexOf('.') + 1);
      const count = (this.#below.get(above) ?? 0) + by;
      if (count === 0) this.#below.delete(above);
      else this.#below.set(above, count);
    }
  }
}

function same(a: readonly DnsRecord[], b: readonly DnsRecord[]): boolean {
  return a === b || (a.length === b.length && JSON.stringify(a) === JSON.stringify(b));
}

function renew(owner: Owner): void {
  owner.records = merged(owner);
  owner.prepared.clear();
  for (const other of owner.toldBy) other.prepared.clear();
  owner.toldBy.clear();
}

function merged({ parts }: Owner): readonly TypedData[] {
  const records = new Map<string, TypedData>();
  for (const part of parts.values()) {
    for (const record of part) {
      const typed = recordData(record);
      if (typed !== undefined) records.set(`${typed.type} ${typed.data.toString('latin1')}`, typed);
    }
  }
  return [...records.values()];
}
