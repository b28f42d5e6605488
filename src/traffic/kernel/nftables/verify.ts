// Compares the kernel's table with what it should hold, and writes what is missing or strange.
// Elements are compared one by one, where a set does not add up; rules by their handles, which change with every rule that is added or taken away.
import { type Element, emptyBatch } from './batch.ts';
import type { FamilyTable } from './family-table.ts';
import { affinityMaps, fixedChains, L4_PROTOCOLS, type SetName } from './layout.ts';
import type { ReadTable, TableReader } from './read-table.ts';
import { type TakeOverNeeds, takeOver } from './take-over.ts';

/** Handles of the rules as they were when all was well, by chain. */
export type Fingerprint = ReadonlyMap<string, string>;

export interface Verified {
  readonly restored: number;
  readonly removed: number;
  readonly fingerprint: Fingerprint;
}

export async function verifyTable(
  needs: TakeOverNeeds,
  reader: TableReader,
  family: FamilyTable,
  before: Fingerprint | undefined,
): Promise<Verified> {
  const found = await reader.read(family);
  if (found !== undefined && rulesAreOurs(found, family, before)) {
    const { removed, added } = differences(found, family);
    if (removed.length + added.length > 0) await needs.writer.commit({ ...emptyBatch(family.family), removed, added });
    return { restored: added.length, removed: removed.length, fingerprint: fingerprintOf(found) };
  }
  const lost = found === undefined ? count(family.elements()) : differences(found, family).added.length;
  await takeOver(needs, [family]);
  const repaired = await reader.read(family);
  return { restored: lost + 1, removed: 0, fingerprint: repaired === undefined ? new Map() : fingerprintOf(repaired) };
}

/** Chains of ours are there with the rules that they had; with nothing to compare, with as many as they should have. */
function rulesAreOurs(found: ReadTable, family: FamilyTable, before: Fingerprint | undefined): boolean {
  if (fixedChains(family.family).some((name) => !found.chains.has(name))) return false;
  const known = fingerprintOf(found);
  for (const [name, handles] of before ?? []) {
    if (known.has(name) && fixedChains(family.family).includes(name) && known.get(name) !== handles) return false;
  }
  return family.chains().every(({ name, rules }) => found.chains.get(name)?.length === rules.length);
}

function fingerprintOf({ chains }: ReadTable): Fingerprint {
  return new Map([...chains].map(([name, handles]) => [name, handles.join(' ')]));
}

function differences(found: ReadTable, family: FamilyTable): { removed: Element[]; added: Element[] } {
  const removed: Element[] = [];
  const added: Element[] = [];
  const strange = new Map([...found.sets].map(([set, elements]) => [set, new Map(elements)]));
  for (const element of family.elements()) {
    if (found.sound.has(element.set)) continue;
    const elements = strange.get(element.set);
    const value = elements?.get(element.key);
    elements?.delete(element.key);
    if (value === element.value) continue;
    if (value !== undefined) removed.push({ ...element, value });
    added.push(element);
  }
  // What the packet path writes is not ours to judge.
  for (const map of L4_PROTOCOLS.flatMap((protocol) => affinityMaps(family.family, protocol))) strange.delete(map);
  for (const [set, elements] of strange) {
    for (const [key, value] of elements) removed.push({ set: set as SetName, key, value });
  }
  return { removed, added };
}

function count(elements: Iterable<Element>): number {
  let sum = 0;
  for (const _ of elements) sum++;
  return sum;
}
