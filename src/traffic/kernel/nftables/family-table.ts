// What the table of one IP family should hold, in memory: the kernel is never asked on the way of a change.
// Turns changes of rules into batches; sends nothing.
import { hash32 } from '#lib/hash.ts';
import { canonicalCidr, type Family, familyOf, inAnyOf } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import type { Batch, Element } from './batch.ts';
import type { Chain } from './chains.ts';
import { type PortState, portState } from './elements.ts';
import { makeTable, type SetName, writeRules } from './layout.ts';

/** A chain that something may still lead to in the kernel's eyes is left for this long (kernels before 6.2). */
const REST_MS = 1_000;

/** Sets whose elements several Service ports have in common. */
const SHARED: ReadonlySet<SetName> = new Set(['cluster-ips', 'selves']);

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

interface UsedChain {
  readonly chain: Chain;
  readonly users: number;
}

export class FamilyTable {
  readonly family: Family;
  readonly #table: string;
  readonly #ports = new Map<string, PortState>();
  readonly #ids = new Map<string, number>();
  readonly #usedIds = new Set<number>();
  readonly #shared = new Map<string, number>();
  readonly #chains = new Map<string, UsedChain>();
  /** Name to when it was left, in milliseconds. */
  readonly #resting = new Map<string, number>();
  #node: NodeFacts | undefined;

  constructor(family: Family, table: string) {
    this.family = family;
    this.#table = table;
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
      const before = this.#ports.get(name);
      const after = rules === undefined ? undefined : portState(rules, before, this.#idOf(name));
      if (after === undefined && before === undefined) continue;
      if (after === undefined) this.#forget(name);
      else this.#ports.set(name, after);
      this.#differ(before, after, removed, added);
      this.#useChains(before, after, chains, now);
      stale.push(...staleMemories(before, after));
    }
    const gone = this.#rested(now, chains);
    const { family } = this;
    return { batch: { family, declared: [], structure, chains: [...chains.values()], removed, added, gone }, stale };
  }

  /** Everything, for a table that is empty. */
  whole(): Batch {
    return {
      family: this.family,
      declared: makeTable(this.family, this.#table),
      structure: this.#rules(),
      chains: [...this.#chains.values()].map(({ chain }) => chain),
      removed: [],
      added: [...this.elements()],
      gone: [],
    };
  }

  /** Every element that the kernel should have. */
  *elements(): Generator<Element> {
    for (const [set, ranges] of this.#ranges()) for (const key of ranges) yield { set, key, value: '' };
    const seen = new Set<string>();
    for (const { elements } of this.#ports.values()) {
      for (const [set, own] of elements) {
        for (const [key, value] of own) {
          if (SHARED.has(set)) {
            const name = `${set} ${key}`;
            if (seen.has(name)) continue;
            seen.add(name);
          }
          yield { set, key, value };
        }
      }
    }
  }

  /** Chains besides the fixed ones. */
  chains(): readonly Chain[] {
    return [...this.#chains.values()].map(({ chain }) => chain);
  }

  /** Lines that write the fixed chains' rules again. */
  #rules(): string[] {
    const known = this.#ranges().get('pod-ranges') ?? [];
    const outsiders = this.#node?.masqueradeAll === true ? 'all' : known.length > 0 ? 'strangers' : 'nobody';
    return writeRules(this.family, this.#table, outsiders);
  }

  #ranges(node = this.#node): ReadonlyMap<SetName, readonly string[]> {
    const ours = (ranges: readonly string[] = []): string[] =>
      withoutCovered(ranges.filter((range) => familyOf(range) === this.family));
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

  #differ(before: PortState | undefined, after: PortState | undefined, removed: Element[], added: Element[]): void {
    for (const set of new Set([...(before?.elements.keys() ?? []), ...(after?.elements.keys() ?? [])])) {
      const old = before?.elements.get(set);
      const now = after?.elements.get(set);
      for (const [key, value] of now ?? []) {
        const had = old?.get(key);
        if (had === value) continue;
        if (had !== undefined) removed.push({ set, key, value: had });
        if (had !== undefined || this.#isFirst(set, key)) added.push({ set, key, value });
      }
      for (const [key, value] of old ?? []) {
        if (now?.has(key) !== true && this.#isLast(set, key)) removed.push({ set, key, value });
      }
    }
  }

  #isFirst(set: SetName, key: string): boolean {
    if (!SHARED.has(set)) return true;
    const name = `${set} ${key}`;
    const users = (this.#shared.get(name) ?? 0) + 1;
    this.#shared.set(name, users);
    return users === 1;
  }

  #isLast(set: SetName, key: string): boolean {
    if (!SHARED.has(set)) return true;
    const name = `${set} ${key}`;
    const users = (this.#shared.get(name) ?? 1) - 1;
    if (users > 0) this.#shared.set(name, users);
    else this.#shared.delete(name);
    return users === 0;
  }

  #useChains(
    before: PortState | undefined,
    after: PortState | undefined,
    chains: Map<string, Chain>,
    now: number,
  ): void {
    for (const [name, chain] of after?.chains ?? []) {
      const used = this.#chains.get(name);
      const users = (used?.users ?? 0) + (before?.chains.has(name) === true ? 0 : 1);
      if (used === undefined || used.chain.rules.join('\n') !== chain.rules.join('\n')) chains.set(name, chain);
      this.#chains.set(name, { chain, users });
      this.#resting.delete(name);
    }
    for (const name of before?.chains.keys() ?? []) {
      const used = this.#chains.get(name);
      if (used === undefined || after?.chains.has(name) === true) continue;
      if (used.users > 1) this.#chains.set(name, { ...used, users: used.users - 1 });
      else {
        this.#chains.delete(name);
        this.#resting.set(name, now);
        chains.delete(name);
      }
    }
  }

  #rested(now: number, chains: ReadonlyMap<string, Chain>): string[] {
    const gone = [...this.#resting].flatMap(([name, since]) => (now - since >= REST_MS ? [name] : []));
    for (const name of gone) this.#resting.delete(name);
    return gone.filter((name) => !chains.has(name));
  }

  /** The same for the same Service port in the next run, so that its clients are still known. */
  #idOf(name: string): number {
    const had = this.#ids.get(name);
    if (had !== undefined) return had;
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

function staleMemories(before: PortState | undefined, after: PortState | undefined): StaleMemory[] {
  const found: StaleMemory[] = [];
  const protocol = before?.rules.protocol ?? 'TCP';
  for (const [id, had] of before?.memories ?? []) {
    const valid = after?.memories.get(id) ?? new Set<string>();
    if ([...had].some((endpoint) => !valid.has(endpoint))) found.push({ id, protocol, valid });
  }
  return found;
}

/** Sets of intervals refuse what overlaps: the wider range stands for the narrower. */
function withoutCovered(ranges: readonly string[]): string[] {
  const distinct = [...new Set(ranges.map((range) => canonicalCidr(range) ?? range))];
  return distinct.filter(
    (range) =>
      !distinct.some(
        (other) =>
          other !== range &&
          Number(other.split('/')[1]) <= Number(range.split('/')[1]) &&
          inAnyOf([other])(range.split('/')[0] ?? ''),
      ),
  );
}
