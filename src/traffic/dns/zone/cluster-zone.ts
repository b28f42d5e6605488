// What the cluster itself says to a question: its domain, and the reverse names of its addresses.
// Knows no upstream: what is none of the cluster's is left to whoever asks.

import type { Clock } from '#lib/clock.ts';
import { addressOfDashed, addressRecord } from '#traffic/model/dns/address-names.ts';
import type { DnsUpdate } from '#traffic/model/dns/ir-dns.ts';
import { classes, type Question, type ResourceRecord, rcodes, types } from '../wire/message.ts';
import { lowerName, nameBytes, readName } from '../wire/name.ts';
import { recordData, soaData, type TypedData, textData } from '../wire/record-data.ts';
import { type PreparedAnswer, prepare, prepareNegative } from './prepared-answer.ts';
import { type Owner, RecordStore } from './record-store.ts';
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
  /** Whether every address is a name below `<namespace>.pod`, be it a pod's or nobody's; left out: those published. */
  readonly anyPodAddress?: boolean | undefined;
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
  /** Whether names have been published: before, that there is no such name would be a lie that resolvers remember. */
  #isTold = false;
  readonly #ranges: ReverseRanges;
  readonly #primary: string;
  readonly #below: string;
  readonly #pods: string;
  #serial: number;
  #noName: PreparedAnswer;
  #noData: PreparedAnswer;
  /** Where the next answer of a type begins, so that clients that take the first spread. */
  readonly #turns = new Map<number, number>();

  constructor(options: ZoneOptions) {
    this.domain = lowerName(options.domain);
    this.#options = options;
    this.#store = new RecordStore(this.domain);
    this.#ranges = new ReverseRanges(options.ranges);
    this.#primary = `ns.dns.${this.domain}`;
    this.#below = `.${this.domain}`;
    this.#pods = `.pod.${this.domain}`;
    this.#serial = this.#seconds();
    [this.#noName, this.#noData] = this.#negatives();
    const fixed = new Map([[this.#primary, options.addresses.map(addressRecord)]]);
    this.#store.apply(new Map([['zone', fixed]]));
  }

  /** How many names have records. */
  get names(): number {
    return this.#store.size;
  }

  publish(update: DnsUpdate): void {
    this.#isTold = true;
    this.#store.apply(update);
    this.#serial = Math.max(this.#serial + 1, this.#seconds());
    [this.#noName, this.#noData] = this.#negatives();
  }

  /**
   * The whole answer to a question of class IN as bytes, for what is asked most; undefined for what `answer` has to be
   * asked. `name` is in lower case.
   */
  prepared(name: string, type: number): PreparedAnswer | undefined {
    if (!this.#isTold) return undefined;
    const owner = this.#store.owner(name);
    if (owner === undefined) {
      if (!name.endsWith(this.#below) || this.#isFixed(name)) return undefined;
      if (this.#options.anyPodAddress === true && name.endsWith(this.#pods)) return undefined;
      return this.#store.find(name) === undefined ? this.#noName : this.#noData;
    }
    const known = owner.prepared.get(type);
    if (known !== undefined) return known;
    const made = this.#prepare(owner, type);
    if (made !== undefined && made !== this.#noData) owner.prepared.set(type, made);
    return made;
  }

  #prepare(owner: Owner, type: number): PreparedAnswer | undefined {
    const fitting = owner.records.filter((record) => record.type === type);
    if (fitting.length === 0) {
      const alias = owner.records.some((record) => record.type === types.CNAME);
      return alias || !owner.name.endsWith(this.#below) ? undefined : this.#noData;
    }
    const additionals = this.#targetsOf(fitting);
    for (const { name } of additionals) this.#store.owner(name)?.toldBy.add(owner);
    // Of a target that is not there nobody would hear when it comes.
    if (type === types.SRV && targetNames(fitting).some((name) => this.#store.owner(name) === undefined))
      return undefined;
    const answers = fitting.map((record) => this.#record(owner.name, record, this.#options.ttl));
    return prepare(owner.name, type, { rcode: rcodes.NOERROR, answers, authorities: [], additionals });
  }

  #negatives(): [PreparedAnswer, PreparedAnswer] {
    const soa = this.#soaRecord(this.domain);
    return [prepareNegative(rcodes.NXDOMAIN, soa), prepareNegative(rcodes.NOERROR, soa)];
  }

  #isBelow(name: string): boolean {
    return name.endsWith(this.#below) && !this.#isFixed(name);
  }

  /** Names that are answered without the store. */
  #isFixed(name: string): boolean {
    return name === `dns-version${this.#below}`;
  }

  /** Undefined for a name that is not the cluster's. */
  answer({ name, type }: Question): ZoneAnswer | undefined {
    const owner = lowerName(name);
    if (!this.#isTold && (this.#isBelow(owner) || this.#ranges.find(owner) !== undefined)) {
      return { rcode: rcodes.SERVFAIL, answers: [], authorities: [], additionals: [] };
    }
    if (owner === this.domain || owner.endsWith(`.${this.domain}`)) return this.#answerDomain(name, owner, type);
    const reverse = this.#ranges.find(owner);
    const found = owner.endsWith('.arpa') ? this.#store.find(owner) : undefined;
    if (found !== undefined) return this.#answerWith(name, found, type, reverse?.apex ?? this.domain);
    if (reverse === undefined) return undefined;
    return this.#negative(reverse.whole ? rcodes.NXDOMAIN : rcodes.NOERROR, reverse.apex);
  }

  #answerDomain(name: string, owner: string, type: number): ZoneAnswer {
    if (owner === this.domain) return this.#answerWith(name, this.#apex(), type, this.domain);
    if (this.#isFixed(owner)) {
      return this.#answerWith(
        name,
        [{ type: types.TXT, data: textData(SCHEMA_VERSION) }],
        type,
        this.domain,
        SCHEMA_TTL,
      );
    }
    const found = this.#store.find(owner) ?? this.#podAddress(owner);
    return found === undefined
      ? this.#negative(rcodes.NXDOMAIN, this.domain)
      : this.#answerWith(name, found, type, this.domain);
  }

  /** `10-244-1-2.shop.pod` is 10.244.1.2, for every address, as the specification (2.6) still wants it. */
  #podAddress(owner: string): readonly TypedData[] | undefined {
    if (this.#options.anyPodAddress !== true || !owner.endsWith(this.#pods)) return undefined;
    const [label = '', namespace = '', ...more] = owner.slice(0, -this.#pods.length).split('.');
    const address = addressOfDashed(label);
    if (more.length > 0 || address === undefined || this.#store.owner(`${namespace}${this.#pods}`) === undefined)
      return undefined;
    const data = recordData(addressRecord(address));
    return data && [data];
  }

  /** An alias that no object told of. */
  alias(name: string, target: string): ResourceRecord {
    return this.#record(name, { type: types.CNAME, data: nameBytes(target) }, this.#options.ttl);
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
    const toRecord = (record: TypedData): ResourceRecord => this.#record(name, record, ttl);
    const fitting = records.filter((record) => record.type === type || type === types.ANY);
    if (fitting.length > 0) {
      const answers = this.#turned(fitting, type).map(toRecord);
      return { rcode: rcodes.NOERROR, answers, authorities: [], additionals: this.#targetsOf(fitting) };
    }
    const alias = records.find((record) => record.type === types.CNAME);
    if (alias === undefined) return this.#negative(rcodes.NOERROR, apex);
    const target = readName(alias.data, 0)?.name ?? '';
    return { rcode: rcodes.NOERROR, answers: [toRecord(alias)], authorities: [], additionals: [], alias: target };
  }

  /** Each in its turn first. */
  #turned(records: readonly TypedData[], type: number): readonly TypedData[] {
    if (records.length < 2) return records;
    // By type: who asks for A and AAAA in turn would get the same first address again and again.
    const turn = this.#turns.get(type) ?? 0;
    this.#turns.set(type, turn + 1);
    const first = turn % records.length;
    return [...records.slice(first), ...records.slice(0, first)];
  }

  /** Addresses of what SRV and NS records name, so that nobody has to ask again. */
  #targetsOf(records: readonly TypedData[]): ResourceRecord[] {
    return targetNames(records).flatMap((name) =>
      (this.#store.find(name) ?? [])
        .filter(({ type }) => type === types.A || type === types.AAAA)
        .map((record) => this.#record(name, record, this.#options.ttl)),
    );
  }

  #record(name: string, { type, data }: TypedData, ttl: number): ResourceRecord {
    return { name, type, class: classes.IN, ttl, data };
  }

  /** No such name, or none of that type: with how long that may be remembered (RFC 2308). */
  #negative(rcode: number, apex: string): ZoneAnswer {
    return { rcode, answers: [], authorities: [this.#soaRecord(apex)], additionals: [] };
  }

  #soaRecord(apex: string): ResourceRecord {
    return this.#record(apex, { type: types.SOA, data: this.#soa() }, this.#options.ttl);
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

/** What SRV and NS records name, each once. */
function targetNames(records: readonly TypedData[]): string[] {
  const targets = new Set<string>();
  for (const { type, data } of records) {
    if (type !== types.SRV && type !== types.NS) continue;
    const target = readName(data, type === types.SRV ? 6 : 0)?.name;
    if (target !== undefined) targets.add(target);
  }
  return [...targets];
}
