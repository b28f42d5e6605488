// The iptables driver, for kernels and users that want it: kube-proxy's chains, changed by iptables-restore --noflush.
// Knows nothing of what the chains say (port-chains.ts); reads the kernel at the start and to verify.
import { type Family, familyOf } from '#lib/ip.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay, DriverOptions, L4Driver, Repairs } from '../contract.ts';
import { type IptablesCommands, iptablesCommands } from './commands.ts';
import { EmptyTables } from './empty-tables.ts';
import { ENTRIES, fixedChains } from './fixed-chains.ts';
import { type PortText, portText, type TableName } from './port-chains.ts';
import { restoreTexts, type SavedTable, type TableChange, withdrawal } from './table-state.ts';
import { WantedTable } from './wanted-table.ts';
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
  readonly #tables: Readonly<Record<Family, Readonly<Record<TableName, WantedTable>>>>;
  readonly #most = new Map<Family, number>();
  #node: NodeFacts | undefined;
  #cut: readonly CutWay[] = [];
  #started = false;
  #toldOfHash = false;

  constructor({ owner, netns, warn }: DriverOptions) {
    this.#prefix = chainPrefix(owner);
    this.#commands = iptablesCommands(netns);
    this.#emptyTables = new EmptyTables(netns);
    this.#warn = warn;
    const tables = () => ({
      nat: new WantedTable('nat', this.#prefix),
      filter: new WantedTable('filter', this.#prefix),
    });
    this.#tables = { IPv4: tables(), IPv6: tables() };
  }

  async apply(update: RuleUpdate): Promise<void> {
    const touched = new Set<Family>();
    if (update.node !== undefined) {
      const before = this.#node;
      this.#node = update.node;
      this.#writeFixed();
      if (textDepends(before) !== textDepends(update.node)) {
        for (const { rules } of [...this.#ports.values()]) this.#write(rules);
      }
      for (const family of FAMILIES) touched.add(family);
    }
    for (const [name, rules] of update.ports) {
      touched.add(name.endsWith('/IPv6') ? 'IPv6' : 'IPv4');
      if (rules === undefined) this.#forget(name);
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
    this.#writeFixed();
    // Before the first change there is nothing of ours, and it takes the ways with it.
    if (!this.#started) return;
    for (const family of FAMILIES) await this.#tell(family);
  }

  async verify(): Promise<Repairs> {
    let [restored, removed] = [0, 0];
    for (const family of FAMILIES) {
      for (const table of TABLES) {
        const saved = await this.#commands.save(family, table, this.#prefix);
        const { lacks, strange } = this.#tables[family][table].differences(saved, this.#entries(table));
        restored += lacks;
        removed += strange;
      }
    }
    if (restored + removed > 0) await this.#takeOver();
    return { restored, removed };
  }

  async close(keep = false): Promise<void> {
    if (keep) return;
    for (const family of FAMILIES) {
      for (const table of TABLES) {
        const saved = await this.#commands.save(family, table, this.#prefix);
        if (saved.chains.size + saved.entries.length === 0) continue;
        const foreign = this.#foreign.has(family) ? this.#foreign.get(family) : NONE;
        await this.#restore(family, table, withdrawal(saved));
        if (foreign !== undefined && !foreign.has(table)) await this.#emptyTables.remove(family, table);
      }
    }
    this.#started = false;
  }

  #write(rules: PortRules): void {
    const node = this.#node;
    const podRanges = (node?.podRanges ?? []).filter((range) => familyOf(range) === rules.family);
    const context = { prefix: this.#prefix, podRanges, masqueradeAll: node?.masqueradeAll ?? false };
    const before = this.#ports.get(rules.name)?.text;
    const text = portText(rules, context);
    this.#ports.set(rules.name, { rules, text });
    for (const table of TABLES) this.#tables[rules.family][table].change(before, text);
    if (rules.pick === 'source_hash' && !this.#toldOfHash) {
      this.#toldOfHash = true;
      this.#warn(
        `Service port "${rules.name}" asks for an endpoint by the client's address, which iptables cannot do: endpoints are picked at random; use --mode nftables`,
      );
    }
  }

  #forget(name: string): void {
    const had = this.#ports.get(name);
    if (had === undefined) return;
    for (const table of TABLES) this.#tables[had.rules.family][table].change(had.text, undefined);
    this.#ports.delete(name);
  }

  #writeFixed(): void {
    for (const family of FAMILIES) {
      for (const table of TABLES) {
        this.#tables[family][table].setFixed(fixedChains(family, table, this.#prefix, this.#node, this.#cut));
      }
    }
  }

  /** From what the kernel has, whoever wrote it, to what it should have. */
  async #takeOver(): Promise<void> {
    this.#started = false;
    for (const family of FAMILIES) {
      const isFirst = !this.#foreign.has(family);
      const there = isFirst ? await this.#emptyTables.there(family) : undefined;
      const found = new Map<TableName, SavedTable>();
      for (const table of TABLES) found.set(table, await this.#commands.save(family, table, this.#prefix));
      const ofOurs = new Set<string>([...found].filter(([, { chains }]) => chains.size > 0).map(([table]) => table));
      if (isFirst) this.#foreign.set(family, there && new Set([...there].filter((table) => !ofOurs.has(table))));
      for (const [table, saved] of found) {
        const wanted = this.#tables[family][table];
        await this.#restore(family, table, wanted.from(saved, this.#entries(table)));
        wanted.told();
      }
    }
    this.#started = true;
  }

  /** Translation first: a packet that is no longer refused has somewhere to go. */
  async #tell(family: Family): Promise<void> {
    for (const table of TABLES) {
      const wanted = this.#tables[family][table];
      await this.#restore(family, table, wanted.untold());
      wanted.told();
    }
  }

  async #restore(family: Family, table: TableName, change: TableChange): Promise<void> {
    let most = this.#most.get(family);
    if (most === undefined) {
      most = await this.#commands.mostChains(family);
      this.#most.set(family, most);
    }
    for (const text of restoreTexts(table, change, most)) await this.#commands.restore(family, text);
  }

  #entries(table: TableName): readonly string[] {
    return ENTRIES[table].map(([from, to]) => `${from} ${this.#prefix}-${to}`);
  }
}

/** What of a node is part of the text of ports. */
function textDepends(node: NodeFacts | undefined): string {
  return JSON.stringify([node?.podRanges ?? [], node?.masqueradeAll ?? false]);
}
