// One change of a table: chains that come, elements that go and come, chains that go. In force all at once, or not at all.
// Pure; how it is brought to the kernel is the writer's matter.
import type { Family } from '#lib/ip.ts';
import type { Chain } from './chains.ts';
import { dialectOf, rewriteChain, type SetName } from './layout.ts';

export interface Element {
  readonly set: SetName;
  readonly key: string;
  /** Empty for members of sets. */
  readonly value: string;
}

export interface Batch {
  readonly family: Family;
  /** Lines that make the table and its maps. First of all: nft 1.0.6 mistakes types of a map after rules with protocols. */
  readonly declared: readonly string[];
  /** Lines with the rules that are always there. */
  readonly structure: readonly string[];
  /** Made, or their rules replaced. */
  readonly chains: readonly Chain[];
  readonly removed: readonly Element[];
  readonly added: readonly Element[];
  /** Names of chains that nothing leads to any more. */
  readonly gone: readonly string[];
}

export function isEmpty({ declared, structure, chains, removed, added, gone }: Batch): boolean {
  return [declared, structure, chains, removed, added, gone].every((part) => part.length === 0);
}

/** Elements of one line: long lines are quicker to read for `nft`, endless ones are not. */
const PER_LINE = 1000;

/** The batch as text for `nft -f -`. */
export function batchText(batch: Batch, table: string): string {
  const at = `${dialectOf(batch.family).ip} ${table}`;
  return [
    ...batch.declared,
    ...batch.structure,
    ...batch.chains.map(({ name }) => `add chain ${at} ${name}`),
    ...batch.chains.flatMap(({ name, rules }) => rewriteChain(batch.family, table, name, rules)),
    ...lines(
      batch.removed,
      (set, keys) => `delete element ${at} ${set} { ${keys} }`,
      ({ key }) => key,
    ),
    ...lines(
      batch.added,
      (set, elements) => `add element ${at} ${set} { ${elements} }`,
      ({ key, value }) => (value === '' ? key : `${key} : ${value}`),
    ),
    // Flushed first: one of them may lead to another.
    ...batch.gone.map((name) => `flush chain ${at} ${name}`),
    ...batch.gone.map((name) => `delete chain ${at} ${name}`),
    '',
  ].join('\n');
}

function lines(
  elements: readonly Element[],
  command: (set: SetName, text: string) => string,
  text: (element: Element) => string,
): string[] {
  const found: string[] = [];
  for (const [set, all] of Map.groupBy(elements, (element) => element.set)) {
    for (let from = 0; from < all.length; from += PER_LINE) {
      found.push(
        command(
          set,
          all
            .slice(from, from + PER_LINE)
            .map(text)
            .join(', '),
        ),
      );
    }
  }
  return found;
}
