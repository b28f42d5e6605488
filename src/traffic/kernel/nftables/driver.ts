// The nftables driver: rules as elements of a fixed number of maps, each change one transaction.
// The kernel is listed at the start, for repairs, and where a client must forget its endpoint; never to make a change.
import type { Family } from '#lib/ip.ts';
import type { PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay, DriverOptions, L4Driver, Repairs } from '../contract.ts';
import { type Batch, isEmpty } from './batch.ts';
import { chosenStyle, createReader, createWriter, textWriter } from './choose-writer.ts';
import { cutText } from './cut-table.ts';
import { FamilyTable, type StaleMemory } from './family-table.ts';
import { forgetClients } from './forget.ts';
import { dialectOf, tableName } from './layout.ts';
import { createNft, type Nft } from './nft.ts';
import type { TableReader } from './read-table.ts';
import { type TakeOverNeeds, takeOver } from './take-over.ts';
import { type Fingerprint, verifyTable } from './verify.ts';
import type { Writer, WriterName } from './writer.ts';

const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

export interface NftablesOptions extends DriverOptions {
  /** How changes are written; the fastest way there is when left out. */
  readonly writer?: WriterName;
}

export function createNftablesDriver(options: NftablesOptions): L4Driver {
  return new NftablesDriver(options);
}

class NftablesDriver implements L4Driver {
  readonly name = 'nftables';
  readonly #nft: Nft;
  readonly #writer: Writer;
  readonly #needs: TakeOverNeeds;
  readonly #reader: TableReader;
  readonly #table: string;
  readonly #families: readonly FamilyTable[];
  readonly #fingerprints = new Map<Family, Fingerprint>();
  readonly #warn: (message: string) => void;
  /** The tables have taken the first change in. */
  #begun = false;
  #started = false;
  /** The kernel refused something, so that what it has is not known. */
  #unsure = false;

  constructor({ netns, owner, warn, writer }: NftablesOptions) {
    this.#nft = createNft(netns);
    this.#table = tableName(owner);
    this.#writer = createWriter(this.#nft, netns, this.#table, writer);
    const text = textWriter(this.#nft, this.#table);
    this.#needs = { nft: this.#nft, table: this.#table, writer: this.#writer, text };
    this.#reader = createReader(this.#nft, netns, this.#table, writer);
    this.#families = FAMILIES.map((family) => new FamilyTable(family, this.#table, chosenStyle(writer)));
    this.#warn = warn;
  }

  async apply(update: RuleUpdate): Promise<void> {
    // A change of the node writes all rules again, and gives them other handles.
    if (update.node !== undefined) this.#fingerprints.clear();
    const portsOf = byFamily(update.ports);
    if (!this.#begun) {
      for (const family of this.#families) family.begin(portsOf[family.family], update.node);
      this.#begun = true;
      await this.#start();
      return;
    }
    const now = performance.now();
    const changes = this.#families.map((family) => family.change(portsOf[family.family], update.node, now));
    if (!this.#started || this.#unsure) {
      await this.#start();
    } else {
      const batches = changes.map(({ batch }) => batch).filter((batch) => !isEmpty(batch));
      if (batches.length === 0) return;
      try {
        await this.#commit(batches);
      } catch (error) {
        this.#warn(`${(error as Error).message}; the whole table is written again`);
        this.#unsure = true;
        await this.#start();
      }
    }
    await this.#forget(changes.map(({ stale }) => stale));
  }

  async cut(ways: readonly CutWay[]): Promise<void> {
    await this.#nft.transaction(cutText(this.#table, ways));
  }

  async verify(): Promise<Repairs> {
    let [restored, removed] = [0, 0];
    for (const family of this.#families) {
      const before = this.#fingerprints.get(family.family);
      const found = await verifyTable(this.#needs, this.#reader, family, before);
      this.#fingerprints.set(family.family, found.fingerprint);
      restored += found.restored;
      removed += found.removed;
    }
    return { restored, removed };
  }

  async close(keep = false): Promise<void> {
    this.#writer.close();
    if (keep) return;
    this.#started = false;
    // A table is added first, so that there is one to delete.
    const lines = FAMILIES.map((family) => `${dialectOf(family).ip} ${this.#table}`);
    const removal = lines.map((at) => `add table ${at}\ndelete table ${at}\n`).join('');
    await this.#nft.transaction(removal + cutText(this.#table, []));
  }

  async #start(): Promise<void> {
    await takeOver(this.#needs, this.#families);
    this.#fingerprints.clear();
    this.#started = true;
    this.#unsure = false;
  }

  async #commit(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) await this.#writer.commit(batch);
  }

  async #forget(stale: readonly (readonly StaleMemory[])[]): Promise<void> {
    for (const [at, memories] of stale.entries()) {
      const family = FAMILIES[at];
      if (family === undefined || memories.length === 0) continue;
      await forgetClients(this.#nft, family, this.#table, memories);
    }
  }
}

function byFamily(ports: RuleUpdate['ports']): Readonly<Record<Family, ReadonlyMap<string, PortRules | undefined>>> {
  const found = { IPv4: new Map<string, PortRules | undefined>(), IPv6: new Map<string, PortRules | undefined>() };
  for (const [name, rules] of ports) found[familyOfPort(name, rules)].set(name, rules);
  return found;
}

/** The name of a Service port ends with its family, so that one that is gone still has it. */
function familyOfPort(name: string, rules: { readonly family: Family } | undefined): Family {
  return rules?.family ?? (name.endsWith('/IPv6') ? 'IPv6' : 'IPv4');
}
