// What the cluster itself says to a question: its domain, and the reverse names of its addresses.
// Knows no upstream: what is none of the cluster's is left to whoever asks.

import type { Clock } from '#lib/clock.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import type { DnsUpdate } from '#traffic/model/dns/ir-dns.ts';
import { classes, type Question, type ResourceRecord, rcodes, types } from '../wire/message.ts';
import { lowerName, nameBytes, readName } from '../wire/name.ts';
import { soaData, type TypedData, textData } from '../wire/record-data.ts';
import { RecordStore } from './record-store.ts';
import { ReverseRanges } from './reverse-range.ts';

/** Version of the names, as the Kubernetes DNS specification counts. */
const SCHEMA_VERSION = '1.1.0';
const SCHEMA_TTL = 28_800;

export interface ZoneOptions {
  /** e.g. `cluster.local`. */
  readonly domain: string;
  /** Seconds that an answer may be kept. */
  readonly ttl: number;
  /** Where this server is asked: the addresses of the domain's name server. */
  readonly addresses: readonly string[];
  /** Ranges of pods and Services: nobody else is asked whose these addresses are. */
  readonly ranges: readonly string[];
  readonly clock: Clock;
}

export interface ZoneAnswer {
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
  /** Where an alias leads, when the question was for something else than the alias itself. */
  readonly alias?: string;
}

export class ClusterZone {
  readonly domain: string;
  readonly #options: ZoneOptions;
  readonly #store: RecordStore;
  readonly #ranges: ReverseRanges;
  readonly #primary: string;
  #serial: number;
  /** Where the next answer begins, so that clients that take the first spread. */
  #turn = 0;

  constructor(options: ZoneOptions) {
    this.domain = lowerName(options.domain);
    this.#options = options;
    this.#store = new RecordStore(this.domain);
    this.#ranges = new ReverseRanges(options.ranges);
    this.#primary = `ns.dns.${this.domain}`;
    this.#serial = this.#seconds();
    const fixed = new Map([[this.#primary, options.addresses.map(addressRecord)]]);
    this.#store.apply(new Map([['zone', fixed]]));
  }

  /** How many names have records. */
  get names(): number {
    return this.#store.size;
  }

  publish(update: DnsUpdate): void {
    this.#store.apply(update);
    this.#serial = Math.max(this.#serial + 1, this.#seconds());
  }

  /** Undefined for a name that is not the cluster's. */
  answer({ name, type }: Question): ZoneAnswer | undefined {
    const owner = lowerName(name);
    if (owner === this.domain || owner.endsWith(`.${this.domain}`)) return this.#answerDomain(name, owner, type);
    const reverse = this.#ranges.find(owner);
    const found = owner.endsWith('.arpa') ? this.#store.find(owner) : undefined;
    if (found !== undefined) return this.#answerWith(name, found, type, reverse?.apex ?? this.domain);
    if (reverse === undefined) return undefined;
    return this.#negative(reverse.whole ? rcodes.NXDOMAIN : rcodes.NOERROR, reverse.apex);
  }

  #answerDomain(name: string, owner: string, type: number): ZoneAnswer {
    if (owner === this.domain) return this.#answerWith(name, this.#apex(), type, this.domain);
    if (owner === `dns-version.${this.domain}`) {
      return this.#answerWith(
        name,
        [{ type: types.TXT, data: textData(SCHEMA_VERSION) }],
        type,
        this.domain,
        SCHEMA_TTL,
      );
    }
    const found = this.#store.find(owner);
    return found === undefined
      ? this.#negative(rcodes.NXDOMAIN, this.domain)
      : this.#answerWith(name, found, type, this.domain);
  }

  #apex(): TypedData[] {
    return [
      { type: types.SOA, data: this.#soa() },
      { type: types.NS, data: nameBytes(this.#primary) },
    ];
  }

  #answerWith(
    name: string,
    records: readonly TypedData[],
    type: number,
    apex: string,
    ttl = this.#options.ttl,
  ): ZoneAnswer {
    const toRecord = ({ type, data }: TypedData): ResourceRecord => ({ name, type, class: classes.IN, ttl, data });
    const fitting = records.filter((record) => record.type === type || type === types.ANY);
    if (fitting.length > 0) {
      const answers = this.#turned(fitting).map(toRecord);
      return { rcode: rcodes.NOERROR, answers, authorities: [], additionals: this.#targetsOf(fitting) };
    }
    const alias = records.find((record) => record.type === types.CNAME);
    if (alias === undefined) return this.#negative(rcodes.NOERROR, apex);
    const target = readName(alias.data, 0)?.name ?? '';
    return { rcode: rcodes.NOERROR, answers: [toRecord(alias)], authorities: [], additionals: [], alias: target };
  }

  /** Each in its turn first. */
  #turned(records: readonly TypedData[]): readonly TypedData[] {
    if (records.length < 2) return records;
    const first = this.#turn++ % records.length;
    return [...records.slice(first), ...records.slice(0, first)];
  }

  /** Addresses of what SRV and NS records name, so that nobody has to ask again. */
  #targetsOf(records: readonly TypedData[]): ResourceRecord[] {
    const targets = new Set<string>();
    for (const { type, data } of records) {
      if (type !== types.SRV && type !== types.NS) continue;
      const target = readName(data, type === types.SRV ? 6 : 0)?.name;
      if (target !== undefined) targets.add(target);
    }
    return [...targets].flatMap((name) =>
      (this.#store.find(name) ?? [])
        .filter(({ type }) => type === types.A || type === types.AAAA)
        .map(({ type, data }) => ({ name, type, class: classes.IN, ttl: this.#options.ttl, data })),
    );
  }

  /** No such name, or none of that type: with how long that may be remembered (RFC 2308). */
  #negative(rcode: number, apex: string): ZoneAnswer {
    const soa = { name: apex, type: types.SOA, class: classes.IN, ttl: this.#options.ttl, data: this.#soa() };
    return { rcode, answers: [], authorities: [soa], additionals: [] };
  }

  #soa(): Buffer {
    return soaData({
      primary: this.#primary,
      mailbox: `hostmaster.${this.domain}`,
      serial: this.#serial,
      minimum: this.#options.ttl,
    });
  }

  #seconds(): number {
    return Math.floor(this.#options.clock.wall() / 1000);
  }
}
