// One change of a table: chains that come, elements that go and come, chains that go. In force all at once, or not at all.
// Pure; how it is brought to the kernel is the writer's matter.
import type { Family } from '#lib/ip.ts';
import type { Chain } from './chains.ts';
import { dialectOf, RANGE_SETS, rewriteChain, SET_KINDS, type SetName } from './layout.ts';

export interface Element {
  readonly set: SetName;
  readonly key: string;
  /** Empty for members of sets. */
  readonly value: string;
}

export interface Batch {
  readonly family: Family;
  /** Takes away the table that is there, before all else. */
  readonly replaced: boolean;
  /** Lines that make the table and its maps. First of all: nft 1.0.6 mistakes types of a map after rules with protocols. */
  readonly declared: readonly string[];
  /** Sets whose elements all go. */
  readonly emptied: readonly SetName[];
  /** Lines with the rules that are always there. */
  readonly structure: readonly string[];
  /** Made, or their rules replaced. */
  readonly chains: readonly Chain[];
  readonly removed: readonly Element[];
  /** Read once: those of a whole table are made while they are written. */
  readonly added: Iterable<Element>;
  /** Names of chains that nothing leads to any more. */
  readonly gone: readonly string[];
}

export function emptyBatch(family: Family): Batch {
  const none: readonly never[] = [];
  return {
    family,
    replaced: false,
    declared: none,
    emptied: none,
    structure: none,
    chains: none,
    removed: none,
    added: none,
    gone: none,
  };
}

/** Of a change, whose added elements are a list. */
export function isEmpty({ declared, emptied, structure, chains, removed, added, gone }: Batch): boolean {
  const lists = [declared, emptied, structure, chains, removed, gone, [...added]];
  return lists.every((part: readonly unknown[]) => part.length === 0);
}

/** What belongs to the table itself, with the ranges of the node; and all else. */
export function splitStructure(batch: Batch): readonly [structure: Batch, rest: Batch] {
  const isRange = (set: SetName): boolean => RANGE_SETS.has(set);
  const ranges: Element[] = [];
  const others = function* (): Generator<Element> {
    for (const element of batch.added) if (!isRange(element.set)) yield element;
  };
  // Ranges come first of all elements.
  for (const element of batch.added) {
    if (!isRange(element.set)) break;
    ranges.push(element);
  }
  const structure: Batch = {
    ...emptyBatch(batch.family),
    replaced: batch.replaced,
    declared: batch.declared,
    emptied: batch.emptied.filter(isRange),
    structure: batch.structure,
    removed: batch.removed.filter(({ set }) => isRange(set)),
    added: ranges,
  };
  const rest: Batch = {
    ...batch,
    replaced: false,
    declared: [],
    structure: [],
    emptied: batch.emptied.filter((set) => !isRange(set)),
    removed: batch.removed.filter(({ set }) => !isRange(set)),
    added: { [Symbol.iterator]: others },
  };
  return [structure, rest];
}

/** Elements of one line: long lines are quicker to read for `nft`, endless ones are not. */
const PER_LINE = 1000;

/** The batch as text for `nft -f -`. */
export function batchText(batch: Batch, table: string): string {
  const at = `${dialectOf(batch.family).ip} ${table}`;
  return [
    ...(batch.replaced ? [`delete table ${at}`] : []),
    ...batch.declared,
    ...batch.emptied.map((set) => `flush ${SET_KINDS[set]} ${at} ${set}`),
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
  elements: Iterable<Element>,
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
