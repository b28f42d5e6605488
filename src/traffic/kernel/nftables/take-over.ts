// What is done about a table that an earlier run left behind: its clients' memories stay, all else is written anew.
// One transaction whatever was there, so that no packet meets a gap.
import { batchText } from './batch.ts';
import type { FamilyTable } from './family-table.ts';
import { dialectOf, fixedChains, LAYOUT_MARK, SET_KINDS } from './layout.ts';
import type { Nft } from './nft.ts';
import { readChains } from './read-table.ts';

/** Text of the transaction that brings the table to what it should be. */
export async function startTable(nft: Nft, family: FamilyTable, table: string): Promise<string> {
  const at = `${dialectOf(family.family).ip} ${table}`;
  const { declared, ...rest } = family.whole();
  const whole = batchText({ declared, ...rest }, table);
  const chains = await readChains(nft, family.family, table);
  if (chains === undefined) return whole;
  if (!chains.includes(LAYOUT_MARK)) return `delete table ${at}\n${whole}`;
  const kept = new Set([...fixedChains(family.family), ...family.chains().map(({ name }) => name)]);
  const stale = chains.filter((name) => !kept.has(name));
  return [
    // Whatever somebody took away is made first, so that it can be emptied.
    ...declared,
    ...Object.entries(SET_KINDS).map(([set, kind]) => `flush ${kind} ${at} ${set}`),
    ...stale.map((name) => `flush chain ${at} ${name}`),
    batchText({ ...rest, declared: [] }, table),
    ...stale.map((name) => `delete chain ${at} ${name}`),
    '',
  ].join('\n');
}
