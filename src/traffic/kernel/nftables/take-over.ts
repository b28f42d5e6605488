// What is done about a table that an earlier run left behind: its clients' memories stay, all else is written anew.
// One batch whatever was there, so that no packet meets a gap.
import type { Batch } from './batch.ts';
import type { FamilyTable } from './family-table.ts';
import { dialectOf, fixedChains, LAYOUT_MARK, SET_KINDS, type SetName } from './layout.ts';
import type { Nft } from './nft.ts';
import { readChains } from './read-table.ts';

/** What brings the table to what it should be. */
export async function startBatch(nft: Nft, family: FamilyTable, table: string): Promise<Batch> {
  const at = `${dialectOf(family.family).ip} ${table}`;
  const whole = family.whole();
  const chains = await readChains(nft, family.family, table);
  // A table without chains leads no packet, if there is one.
  if (chains.length === 0) return { ...whole, declared: [`add table ${at}`, `delete table ${at}`, ...whole.declared] };
  if (!chains.includes(LAYOUT_MARK)) return { ...whole, replaced: true };
  const kept = new Set([...fixedChains(family.family), ...family.chains().map(({ name }) => name)]);
  return {
    ...whole,
    // Whatever somebody took away is made first, so that it can be emptied.
    emptied: Object.keys(SET_KINDS) as SetName[],
    gone: chains.filter((name) => !kept.has(name)),
  };
}
