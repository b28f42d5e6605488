// The iptables driver, for kernels and users that want it: kube-proxy's chains, changed by iptables-restore --noflush.
// Knows nothing of what the chains say (port-chains.ts); reads the kernel at the start and to verify.
import { type Family, familyOf } from '#lib/ip.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay, DriverOptions, L4Driver, Repairs } from '../contract.ts';
import { type IptablesCommands, iptablesCommands } from './commands.ts';
import { EmptyTables } from './empty-tables.ts';
import { ENTRIES, fixedChains } from './fixed-chains.ts';
import { type PortText, portText, SHARED_CHAINS, type SharedChain, type TableName } from './port-chains.ts';
import { type Chains, compareLines, type Desired, difference } from './table-state.ts';
import { chainPrefix } from './words.ts';

const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];
const TABLES: readonly TableName[] = ['nat', 'filter'];
/** Of a run that only cleans up: what ours were in, and is empty then, was made for them. */
const NONE: ReadonlySet<string> = new Set();

export function createIptablesDriver(options: DriverOptions): L4Driver {
  return new IptablesDriver(options);
}

/** Whether an earlier run left chains in the kernel. */
export async function iptablesLeft({ netns, owner }: Pick<DriverOptions, 'netns' | 'owner'>): Promise<boolean> {
  const commands = iptablesCommands(netns);
  for (const family of FAMILIES) if (await commands.mentions(family, chainPrefix(owner))) return true;
  return false;
}

class IptablesDriver implements L4Driver {
  readonly name = 'iptables';
  readonly #prefix: string;
  readonly #warn: (message: string) => void;
  readonly #commands: IptablesCommands;
  readonly #emptyTables: EmptyTables;
  /** Tables that there were before any run of ours, by family: what an earlier run left in one says that it made it. */
  readonly #foreign = new Map<Family, ReadonlySet<string> | undefined>();
  readonly #ports = new Map<string, { readonly rules: PortRules; readonly text: PortText }>();
  /** What the kernel was told last, by family and table. */
  readonly #told = new Map<string, Chains>();
  #node: NodeFacts | undefined;
  #cut: readonly CutWay[] = [];
  #started = false;
  #toldOfHash = false;

  constructor({ owner, netns, warn }: DriverOptions) {
    this.#prefix = chainPrefix(owner);
    this.#commands = iptablesCommands(netns);
    this.#emptyTables = new EmptyTables(netns);
    this.#warn = warn;
  }

  async apply(update: RuleUpdate): Promise<void> {
    const touched = new Set<Family>();
    if (update.node !== undefined) {
      this.#node = update.node;
      for (const { rules } of this.#ports.values()) this.#write(rules);
      for (const family of FAMILIES) touched.add(family);
    }
    for (const [name, rules] of update.ports) {
      touched.add(name.endsWith('/IPv6') ? 'IPv6' : 'IPv4');
      if (rules === undefined) this.#ports.delete(name);
      else this.#write(rules);
    }
    if (!this.#started) {
      await this.#takeOver();
      return;
    }
    try {
      for (const family of FAMILIES) if (touched.has(family)) await this.#tell(family);
    } catch (error) {
      this.#warn(`${(error as Error).message}; all chains are written again`);
      await this.#takeOver();
    }
  }

  async cut(ways: readonly CutWay[]): Promise<void> {
    this.#cut = ways;
    // Before the first change there is nothing of ours, and it takes the ways with it.
    if (!this.#started) return;
    for (const family of FAMILIES) await this.#tell(family);
  }

  async verify(): Promise<Repairs> {
    let [restored, removed] = [0, 0];
    for (const family of FAMILIES) {
      for (const table of TABLES) {
        const saved = await this.#commands.save(family, table, this.#prefix);
        const { chains } = this.#desired(family, table);
        for (const name of new Set([...chains.keys(), ...saved.chains.keys()])) {
          const { missing, strange } = compareLines(saved.chains.get(name) ?? [], chains.get(name) ?? []);
          restored += missing.length + (saved.chains.has(name) ? 0 : 1);
          removed += strange.length + (chains.has(name) ? 0 : 1);
        }
        restored += this.#missingEntries(table, saved.entries).length;
        this.#told.set(`${family} ${table}`, saved.chains);
      }
    }
    if (restored + removed > 0) await this.#takeOver();
    return { restored, removed };
  }

  async close(keep = false): Promise<void> {
    if (keep) return;
    for (const family of FAMILIES) {
      for (const table of TABLES) {
        const { chains, entries } = await this.#commands.save(family, table, this.#prefix);
        if (chains.size + entries.length === 0) continue;
        const foreign = this.#foreign.has(family) ? this.#foreign.get(family) : NONE;
        const lines = [
          ...entries.map((entry) => `-D ${entry.replace(' ', ' -j ')}`),
          ...[...chains.keys()].map((name) => `-F ${name}`),
          ...[...chains.keys()].map((name) => `-X ${name}`),
        ];
        await this.#commands.restore(family, `*${table}\n${lines.join('\n')}\nCOMMIT\n`);
        if (foreign !== undefined && !foreign.has(table)) await this.#emptyTables.remove(family, table);
      }
    }
    this.#told.clear();
    this.#started = false;
  }

  #write(rules: PortRules): void {
    const node = this.#node;
    const podRanges = (node?.podRanges ?? []).filter((range) => familyOf(range) === rules.family);
    const context = { prefix: this.#prefix, podRanges, masqueradeAll: node?.masqueradeAll ?? false };
    this.#ports.set(rules.name, { rules, text: portText(rules, context) });
    if (rules.pick === 'source_hash' && !this.#toldOfHash) {
      this.#toldOfHash = true;
      this.#warn(
        `Service port "${rules.name}" asks for an endpoint by the client's address, which iptables cannot do: endpoints are picked at random; use --mode nftables`,
      );
    }
  }

  /** From what the kernel has, whoever wrote it, to what it should have. */
  async #takeOver(): Promise<void> {
    for (const family of FAMILIES) {
      const isFirst = !this.#foreign.has(family);
      const there = isFirst ? await this.#emptyTables.there(family) : undefined;
      const entries = new Map<TableName, readonly string[]>();
      const ofOurs = new Set<string>();
      for (const table of TABLES) {
        const saved = await this.#commands.save(family, table, this.#prefix);
        if (saved.chains.size > 0) ofOurs.add(table);
        this.#told.set(`${family} ${table}`, saved.chains);
        entries.set(table, saved.entries);
      }
      if (isFirst) this.#foreign.set(family, there && new Set([...there].filter((table) => !ofOurs.has(table))));
      await this.#tell(family);
      for (const table of TABLES) {
        const missing = this.#missingEntries(table, entries.get(table) ?? []);
        if (missing.length === 0) continue;
        // Before the rules of others: what they let pass would not come to ours.
        const lines = missing.map(([from, to]) => `-I ${from} 1 -j ${this.#prefix}-${to}`);
        await this.#commands.restore(family, `*${table}\n${lines.join('\n')}\nCOMMIT\n`);
      }
    }
    this.#started = true;
  }

  #missingEntries(table: TableName, entries: readonly string[]): (readonly [string, string])[] {
    return ENTRIES[table].filter(([from, to]) => !entries.includes(`${from} ${this.#prefix}-${to}`));
  }

  /** Translation first: a packet that is no longer refused has somewhere to go. */
  async #tell(family: Family): Promise<void> {
    for (const table of TABLES) {
      const key = `${family} ${table}`;
      const desired = this.#desired(family, table);
      const text = difference(table, this.#told.get(key) ?? new Map(), desired);
      if (text !== '') await this.#commands.restore(family, text);
      this.#told.set(key, desired.chains);
    }
  }

  #desired(family: Family, table: TableName): Desired {
    const chains = new Map<string, readonly string[]>(fixedChains(family, table, this.#prefix, this.#node, this.#cut));
    const shared = new Map<SharedChain, Set<string>>(SHARED_CHAINS[table].map((chain) => [chain, new Set()]));
    for (const { rules, text } of this.#ports.values()) {
      if (rules.family !== family) continue;
      for (const [name, own] of text.chains[table]) chains.set(name, own);
      for (const [chain, lines] of text.lines) for (const line of lines) shared.get(chain)?.add(line);
    }
    for (const [chain, lines] of shared) chains.set(`${this.#prefix}-${chain}`, [...lines]);
    return { chains, unordered: new Set([...shared.keys()].map((chain) => `${this.#prefix}-${chain}`)) };
  }
}
