// What the table of one IP family should hold, in memory: the kernel is never asked on the way of a change.
// Turns changes of rules into batches; sends nothing.
import { hash32 } from '#lib/hash.ts';
import { type Family, familyOf } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import { type Batch, type Element, emptyBatch } from './batch.ts';
import type { Chain } from './chains.ts';
import {
  distinctRanges,
  eachChain,
  eachOfFronts,
  eachOwn,
  eachShared,
  memoriesOf,
  type PlacedPort,
  placePort,
  remembers,
  type VisitElement,
} from './elements.ts';
import { makeTable, type SetName, writeRules } from './layout.ts';
import { slotChanges } from './slot-changes.ts';
import { leadingChains, type Style, takesSlots, wayNumber } from './ways.ts';

/** A chain that something may still lead to in the kernel's eyes is left for this long (kernels before 6.2). */
const REST_MS = 1_000;

/** Sets whose elements several Service ports have in common. */
const SHARED: readonly SetName[] = ['cluster-ips', 'selves'];
const NO_NAMES: ReadonlySet<string> = new Set();

/** Clients that stay with endpoints which are no longer there. */
export interface StaleMemory {
  readonly id: number;
  readonly protocol: L4Protocol;
  readonly valid: ReadonlySet<string>;
}

export interface TableChange {
  readonly batch: Batch;
  readonly stale: readonly StaleMemory[];
}

/** What the kernel is told of chains that come and go. */
interface ChainNews {
  readonly chains: Map<string, Chain>;
  readonly removed: Element[];
  readonly added: Element[];
}

interface UsedChain {
  readonly chain: Chain;
  readonly users: number;
}

export class FamilyTable {
  readonly family: Family;
  readonly #table: string;
  readonly #style: Style;
  readonly #ports = new Map<string, PlacedPort>();
  /** Numbers of the ports that have affinity. */
  readonly #ids = new Map<string, number>();
  readonly #usedIds = new Set<number>();
  /** How many ports have an element, by set and key. */
  readonly #shared = new Map<SetName, Map<string, number>>(SHARED.map((set) => [set, new Map()]));
  readonly #chains = new Map<string, UsedChain>();
  /** Name to when it was left, in milliseconds. */
  readonly #resting = new Map<string, number>();
  #node: NodeFacts | undefined;

  constructor(family: Family, table: string, style: Style) {
    this.family = family;
    this.#table = table;
    this.#style = style;
  }

  /** `now` in monotonic milliseconds. */
  change(ports: ReadonlyMap<string, PortRules | undefined>, node: NodeFacts | undefined, now: number): TableChange {
    const removed: Element[] = [];
    const added: Element[] = [];
    const chains = new Map<string, Chain>();
    const stale: StaleMemory[] = [];
    const structure: string[] = [];
    if (node !== undefined) this.#changeNode(node, structure, removed, added);
    for (const [name, rules] of ports) {
      const { before, after } = this.#keep(name, rules);
      this.#differ(before, after, removed, added);
      slotChanges(before, after, removed, added);
      this.#useChains(before, after, { chains, removed, added }, now);
      stale.push(...staleMemories(before, after));
    }
    const gone = this.#rested(now, chains);
    const batch = { ...emptyBatch(this.family), structure, chains: [...chains.values()], removed, added, gone };
    return { batch, stale };
  }

  /** The first change: nobody is told what it is, since the whole table is written after it. */
  begin(ports: ReadonlyMap<string, PortRules | undefined>, node: NodeFacts | undefined): void {
    if (node !== undefined) this.#node = node;
    for (const [name, rules] of ports) {
      const { after } = this.#keep(name, rules);
      if (after === undefined) continue;
      for (const [set, keys] of sharedOf(after)) for (const key of keys) this.#isFirst(set, key);
      this.#useChains(undefined, after, undefined, 0);
    }
  }

  /** Everything, for a table that is empty. */
  whole(style = this.#style): Batch {
    return {
      ...emptyBatch(this.family),
      declared: makeTable(this.family, this.#table),
      structure: this.#rules(),
      chains: this.chains(style),
      added: { [Symbol.iterator]: () => this.elements(style) },
    };
  }

  /** Every element that the kernel should have. */
  *elements(style = this.#style): Generator<Element> {
    for (const [set, ranges] of this.#ranges()) for (const key of ranges) yield { set, key, value: '' };
    for (const [set, keys] of this.#shared) for (const key of keys.keys()) yield { set, key, value: '' };
    if (style === 'numbers') {
      for (const name of this.#chains.keys()) {
        const way = wayElement(name);
        if (way !== undefined) yield way;
      }
    }
    const own: Element[] = [];
    for (const port of this.#ports.values()) {
      eachOwn(port, style, (set, key, value) => own.push({ set, key, value }));
      yield* own;
      own.length = 0;
    }
  }

  /** Chains whose rules depend on the style, or on what Services there are. */
  chains(style = this.#style): readonly Chain[] {
    return [...leadingChains(this.family, style), ...[...this.#chains.values()].map(({ chain }) => chain)];
  }

  /** Lines that write the fixed chains' rules again. */
  #rules(): string[] {
    const known = this.#ranges().get('pod-ranges') ?? [];
    const outsiders = this.#node?.masqueradeAll === true ? 'all' : known.length > 0 ? 'strangers' : 'nobody';
    return writeRules(this.family, this.#table, outsiders);
  }

  #ranges(node = this.#node): ReadonlyMap<SetName, readonly string[]> {
    const ours = (ranges: readonly string[] = []): readonly string[] =>
      distinctRanges(ranges.filter((range) => familyOf(range) === this.family));
    return new Map([
      ['pod-ranges', ours(node?.podRanges)],
      ['service-ranges', ours(node?.serviceRanges)],
    ]);
  }

  #changeNode(node: NodeFacts, structure: string[], removed: Element[], added: Element[]): void {
    const before = this.#ranges();
    const after = this.#ranges(node);
    for (const [set, ranges] of after) {
      const old = new Set(before.get(set));
      for (const key of ranges) if (!old.delete(key)) added.push({ set, key, value: '' });
      for (const key of old) removed.push({ set, key, value: '' });
    }
    this.#node = node;
    structure.push(...this.#rules());
  }

  #keep(name: string, rules: PortRules | undefined): Readonly<Record<'before' | 'after', PlacedPort | undefined>> {
    const before = this.#ports.get(name);
    const after = rules === undefined ? undefined : placePort(rules, before, this.#idOf(name, rules));
    if (after === undefined) this.#forget(name);
    else this.#ports.set(name, after);
    return { before, after };
  }

  #differ(before: PlacedPort | undefined, after: PlacedPort | undefined, removed: Element[], added: Element[]): void {
    const old = this.#elementsOf(before);
    const now = this.#elementsOf(after);
    for (const [set, elements] of now) {
      const had = old.get(set);
      for (const [key, value] of elements) {
        const was = had?.get(key);
        if (was === value) continue;
        if (was !== undefined) removed.push({ set, key, value: was });
        if (was !== undefined || this.#isFirst(set, key)) added.push({ set, key, value });
      }
    }
    for (const [set, elements] of old) {
      const has = now.get(set);
      for (const [key, value] of elements) {
        if (has?.has(key) !== true && this.#isLast(set, key)) removed.push({ set, key, value });
      }
    }
  }

  /** All but endpoints in their slots. */
  #elementsOf(port: PlacedPort | undefined): ReadonlyMap<SetName, ReadonlyMap<string, string>> {
    const found = new Map<SetName, Map<string, string>>();
    if (port === undefined) return found;
    const visit: VisitElement = (set, key, value) => {
      let own = found.get(set);
      if (own === undefined) {
        own = new Map();
        found.set(set, own);
      }
      own.set(key, value);
    };
    eachOfFronts(port, this.#style, visit);
    eachShared(port, visit);
    return found;
  }

  #isFirst(set: SetName, key: string): boolean {
    const shared = this.#shared.get(set);
    if (shared === undefined) return true;
    const users = (shared.get(key) ?? 0) + 1;
    shared.set(key, users);
    return users === 1;
  }

  #isLast(set: SetName, key: string): boolean {
    const shared = this.#shared.get(set);
    if (shared === undefined) return true;
    const users = (shared.get(key) ?? 1) - 1;
    if (users > 0) shared.set(key, users);
    else shared.delete(key);
    return users === 0;
  }

  #useChains(
    before: PlacedPort | undefined,
    after: PlacedPort | undefined,
    told: ChainNews | undefined,
    now: number,
  ): void {
    const had = chainNames(before);
    const has = new Set<string>();
    if (after !== undefined) {
      eachChain(after, (name, make) => {
        has.add(name);
        this.#useChain(name, make, !had.has(name), remembers(after), told);
      });
    }
    for (const name of had) {
      const used = this.#chains.get(name);
      if (used === undefined || has.has(name)) continue;
      if (used.users > 1 || takesSlots(name)) this.#chains.set(name, { ...used, users: used.users - 1 });
      else {
        this.#chains.delete(name);
        this.#resting.set(name, now);
        told?.chains.delete(name);
        this.#tellWay(name, told?.removed);
      }
    }
  }

  /** `varies`: its rules may be others under the same name. */
  #useChain(name: string, make: () => Chain, isNew: boolean, varies: boolean, told: ChainNews | undefined): void {
    const used = this.#chains.get(name);
    const chain = used === undefined || varies ? make() : used.chain;
    if (used === undefined || (varies && used.chain.rules.join('\n') !== chain.rules.join('\n'))) {
      told?.chains.set(name, chain);
    }
    if (used === undefined) this.#tellWay(name, told?.added);
    this.#chains.set(name, { chain, users: (used?.users ?? 0) + (isNew ? 1 : 0) });
    this.#resting.delete(name);
  }

  /** The element that leads to a chain comes and goes with it. */
  #tellWay(name: string, elements: Element[] | undefined): void {
    const way = this.#style === 'numbers' ? wayElement(name) : undefined;
    if (way !== undefined) elements?.push(way);
  }

  #rested(now: number, chains: ReadonlyMap<string, Chain>): string[] {
    const gone = [...this.#resting].flatMap(([name, since]) => (now - since >= REST_MS ? [name] : []));
    for (const name of gone) this.#resting.delete(name);
    return gone.filter((name) => !chains.has(name));
  }

  /** The same for the same Service port in the next run, so that its clients are still known. */
  #idOf(name: string, rules: PortRules): number {
    const had = this.#ids.get(name);
    if (had !== undefined) return had;
    if (!remembers({ rules })) return 0;
    let id = hash32(name) & 0x7fff_fffe || 2;
    while (this.#usedIds.has(id)) id = (id + 2) & 0x7fff_fffe || 2;
    this.#ids.set(name, id);
    this.#usedIds.add(id);
    return id;
  }

  #forget(name: string): void {
    this.#ports.delete(name);
    this.#usedIds.delete(this.#ids.get(name) ?? 0);
    this.#ids.delete(name);
  }
}

function wayElement(chain: string): Element | undefined {
  const number = wayNumber(chain);
  return number === undefined ? undefined : { set: 'ways', key: `0 . ${number}`, value: `goto ${chain}` };
}

function sharedOf(port: PlacedPort): ReadonlyMap<SetName, ReadonlySet<string>> {
  const found = new Map<SetName, Set<string>>();
  eachShared(port, (set, key) => {
    const own = found.get(set);
    if (own === undefined) found.set(set, new Set([key]));
    else own.add(key);
  });
  return found;
}

function chainNames(port: PlacedPort | undefined): ReadonlySet<string> {
  if (port === undefined) return NO_NAMES;
  const names = new Set<string>();
  eachChain(port, (name) => names.add(name));
  return names;
}

function staleMemories(before: PlacedPort | undefined, after: PlacedPort | undefined): StaleMemory[] {
  const found: StaleMemory[] = [];
  const protocol = before?.rules.protocol ?? 'TCP';
  const now = memoriesOf(after);
  for (const [id, had] of memoriesOf(before)) {
    const valid = now.get(id) ?? new Set<string>();
    if ([...had].some((endpoint) => !valid.has(endpoint))) found.push({ id, protocol, valid });
  }
  return found;
}
