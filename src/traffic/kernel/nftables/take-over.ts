// What is done about a table that an earlier run left behind: its clients' memories stay, all else is written anew.
// In steps each of which leaves a whole table, so that no packet meets a gap.
import type { Batch } from './batch.ts';
import type { FamilyTable } from './family-table.ts';
import { dialectOf, fixedChains, LAYOUT_MARK, SET_KINDS, type SetName } from './layout.ts';
import type { Nft } from './nft.ts';
import { readChains } from './read-table.ts';
import type { Writer } from './writer.ts';

export interface TakeOverNeeds {
  readonly nft: Nft;
  readonly table: string;
  readonly writer: Writer;
  /** The writer that can put a whole table in the place of another. */
  readonly text: Writer;
}

/** Brings the tables to what they should be, whatever is there. */
export async function takeOver(needs: TakeOverNeeds, families: readonly FamilyTable[]): Promise<void> {
  const { nft, table, writer, text } = needs;
  const found = await Promise.all(
    families.map(async (family) => ({ family, chains: await readChains(nft, family.family, table) })),
  );
  const others = found.filter(({ chains }) => chains.length > 0 && !chains.includes(LAYOUT_MARK));
  // Those of another layout first become this one in the style of `nft`, from which a batch leads to any style.
  if (others.length > 0) {
    await text.replace(others.map(({ family }) => ({ ...family.whole('verdicts'), replaced: true })));
    await takeOver(needs, families);
    return;
  }
  await writer.replace(found.map(({ family, chains }) => startBatch(family, chains, table)));
}

/** `chains` are the names of those that are there: of this layout, or none. */
function startBatch(family: FamilyTable, chains: readonly string[], table: string): Batch {
  const at = `${dialectOf(family.family).ip} ${table}`;
  const whole = family.whole();
  // A table without chains leads no packet, if there is one.
  if (chains.length === 0) return { ...whole, declared: [`add table ${at}`, `delete table ${at}`, ...whole.declared] };
  const kept = new Set([...fixedChains(family.family), ...family.chains().map(({ name }) => name)]);
  return {
    ...whole,
    // Whatever somebody took away is made first, so that it can be emptied.
    emptied: Object.keys(SET_KINDS) as SetName[],
    gone: chains.filter((name) => !kept.has(name)),
  };
}
