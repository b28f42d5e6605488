// What one table of one family should hold of ours, and what of it the kernel has not been told yet.
// A change costs what it changes, however many Services there are. Knows no program and no kernel.
import { type PortText, SHARED_CHAINS, type SharedChain, type TableName } from './port-chains.ts';
import { type Chains, compareLines, entryLine, type Line, type SavedTable, type TableChange } from './table-state.ts';
import { depthOf } from './words.ts';

/** From a chain of the kernel to one of ours: `PREROUTING EVK-ADDRESSES`. */
type Entries = readonly string[];

export class WantedTable {
  readonly #table: TableName;
  readonly #prefix: string;
  readonly #chains = new Map<string, readonly string[]>();
  /** How many ports want a line, by chain. */
  readonly #lines: ReadonlyMap<SharedChain, Map<string, number>>;
  /** Chains that differ from what the kernel was told, with what it was told: undefined for one that it has not. */
  readonly #touched = new Map<string, readonly string[] | undefined>();
  /** Lines of shared chains that may differ, and whether the kernel has them. */
  readonly #moved = new Map<string, { readonly line: Line; readonly there: boolean }>();
  #fixed: Chains = new Map();

  constructor(table: TableName, prefix: string) {
    this.#table = table;
    this.#prefix = prefix;
    this.#lines = new Map(SHARED_CHAINS[table].map((chain) => [chain, new Map()]));
    for (const chain of this.#lines.keys()) this.#set(this.#named(chain), []);
  }

  setFixed(chains: Chains): void {
    for (const name of this.#fixed.keys()) if (!chains.has(name)) this.#delete(name);
    for (const [name, rules] of chains) this.#set(name, rules);
    this.#fixed = chains;
  }

  /** From what a port had to what it has. */
  change(before: PortText | undefined, after: PortText | undefined): void {
    const own = after?.chains[this.#table];
    for (const name of before?.chains[this.#table].keys() ?? []) if (own?.has(name) !== true) this.#delete(name);
    for (const [name, rules] of own ?? []) this.#set(name, rules);
    for (const chain of this.#lines.keys()) {
      for (const rule of after?.lines.get(chain) ?? []) this.#count(chain, rule, 1);
      for (const rule of before?.lines.get(chain) ?? []) this.#count(chain, rule, -1);
    }
  }

  /** What the kernel has not been told yet. */
  untold(): TableChange {
    const made = new Map<string, readonly string[]>();
    const filled = new Map<string, readonly string[]>();
    const gone: string[] = [];
    for (const [name, had] of this.#touched) {
      const rules = this.#chains.get(name);
      if (rules === undefined) {
        if (had !== undefined) gone.push(name);
      } else if (had === undefined) made.set(name, rules);
      else if (!sameRules(had, rules)) filled.set(name, rules);
    }
    const added: Line[] = [];
    const removed: Line[] = [];
    for (const { line, there } of this.#moved.values()) {
      const wanted = this.#wants(line);
      if (wanted && !there) added.push(line);
      else if (there && !wanted) removed.push(line);
    }
    return { made: this.#byDepth(made), filled, inserted: [], added, removed, gone };
  }

  /** The kernel has everything. */
  told(): void {
    this.#touched.clear();
    this.#moved.clear();
  }

  /** From what the kernel has, whoever wrote it. `entries` are those of the kernel's chains that should lead to ours. */
  from(saved: SavedTable, entries: Entries): TableChange {
    const made = new Map<string, readonly string[]>();
    const filled = new Map<string, readonly string[]>();
    const added: Line[] = [];
    const removed: Line[] = [];
    for (const [name, rules] of this.#chains) {
      const had = saved.chains.get(name);
      if (had === undefined) made.set(name, rules);
      else if (!this.#isShared(name) && !sameRules(had, rules)) filled.set(name, rules);
    }
    for (const chain of this.#lines.keys()) {
      const name = this.#named(chain);
      const { missing, strange } = compareLines(saved.chains.get(name) ?? [], this.#rules(chain));
      added.push(...missing.map((rule) => ({ chain: name, rule })));
      removed.push(...strange.map((rule) => ({ chain: name, rule })));
    }
    const inserted = entries.filter((entry) => !saved.entries.includes(entry)).map(entryLine);
    removed.push(...saved.entries.filter((entry) => !entries.includes(entry)).map(entryLine));
    const gone = [...saved.chains.keys()].filter((name) => !this.#chains.has(name));
    return { made: this.#byDepth(made), filled, inserted, added, removed, gone };
  }

  /** How many rules and chains the kernel lacks, and how many it has too many. */
  differences(saved: SavedTable, entries: Entries): { lacks: number; strange: number } {
    let lacks = entries.filter((entry) => !saved.entries.includes(entry)).length;
    let strange = 0;
    const own = new Map(this.#chains);
    for (const chain of this.#lines.keys()) own.set(this.#named(chain), this.#rules(chain));
    for (const name of new Set([...own.keys(), ...saved.chains.keys()])) {
      const compared = compareLines(saved.chains.get(name) ?? [], own.get(name) ?? []);
      lacks += compared.missing.length + (saved.chains.has(name) ? 0 : 1);
      strange += compared.strange.length + (own.has(name) ? 0 : 1);
    }
    return { lacks, strange };
  }

  /** Each chain after those that it leads to. */
  #byDepth(chains: Map<string, readonly string[]>): Chains {
    const depths = new Map([...chains.keys()].map((name) => [name, depthOf(name, this.#prefix)]));
    return new Map([...chains].sort(([a], [b]) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0)));
  }

  #set(name: string, rules: readonly string[]): void {
    const had = this.#chains.get(name);
    if (had !== undefined && sameRules(had, rules)) return;
    if (!this.#touched.has(name)) this.#touched.set(name, had);
    this.#chains.set(name, rules);
  }

  #delete(name: string): void {
    if (!this.#touched.has(name)) this.#touched.set(name, this.#chains.get(name));
    this.#chains.delete(name);
  }

  #count(chain: SharedChain, rule: string, by: 1 | -1): void {
    const counts = this.#lines.get(chain);
    const had = counts?.get(rule) ?? 0;
    const key = `${chain} ${rule}`;
    const line = { chain: this.#named(chain), rule };
    if (!this.#moved.has(key)) this.#moved.set(key, { line, there: had > 0 });
    if (had + by > 0) counts?.set(rule, had + by);
    else counts?.delete(rule);
  }

  #wants({ chain, rule }: Line): boolean {
    for (const [shared, counts] of this.#lines) if (this.#named(shared) === chain) return counts.has(rule);
    return false;
  }

  #rules(chain: SharedChain): string[] {
    return [...(this.#lines.get(chain)?.keys() ?? [])];
  }

  #isShared(name: string): boolean {
    return [...this.#lines.keys()].some((chain) => this.#named(chain) === name);
  }

  #named(chain: SharedChain): string {
    return `${this.#prefix}-${chain}`;
  }
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, at) => rule === b[at]);
}
