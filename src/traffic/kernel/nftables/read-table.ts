// The kernel's table as `nft` lists it, in the words of our elements. Used to repair and to forget, never on the way of a change.
// Knows how libnftables-json(5) writes values; judges nothing.
import type { Family } from '#lib/ip.ts';
import type { FamilyTable } from './family-table.ts';
import { dialectOf } from './layout.ts';
import type { Nft } from './nft.ts';

export interface ReadTable {
  /** Elements by set: key to value. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Sets that hold what they should, and need not be looked at. */
  readonly sound: ReadonlySet<string>;
  /** Handles of the rules by chain. */
  readonly chains: ReadonlyMap<string, readonly number[]>;
}

export interface TableReader {
  /** The kernel's table as far as it may differ from what it should be; undefined when it is not there, or not whole. */
  read(family: FamilyTable): Promise<ReadTable | undefined>;
}

export function nftReader(nft: Nft, table: string): TableReader {
  return { read: async ({ family }) => await readTable(nft, family, table) };
}

/** Undefined when there is no such table. */
export async function readTable(nft: Nft, family: Family, table: string): Promise<ReadTable | undefined> {
  const objects = await nft.list('table', dialectOf(family).ip, table);
  if (objects === undefined) return undefined;
  const sets = new Map<string, ReadonlyMap<string, string>>();
  const chains = new Map<string, number[]>();
  for (const object of objects) {
    const set = object.map ?? object.set;
    if (set !== undefined) sets.set(String(set.name), elementsOf(set.elem));
    if (object.chain !== undefined) chains.set(String(object.chain.name), chains.get(String(object.chain.name)) ?? []);
    if (object.rule !== undefined) {
      const chain = String(object.rule.chain);
      chains.set(chain, [...(chains.get(chain) ?? []), Number(object.rule.handle)]);
    }
  }
  return { sets, chains, sound: new Set() };
}

/** Names of the chains, without a look at the elements: even a list of tables makes nft 1.0.6 read all of them. */
export async function readChains(nft: Nft, family: Family, table: string): Promise<readonly string[]> {
  const objects = await nft.list('chains', dialectOf(family).ip);
  return (objects ?? []).flatMap(({ chain }) => (chain?.table === table ? [String(chain.name)] : []));
}

/** Elements of one set; empty when it is not there. */
export async function readSet(
  nft: Nft,
  family: Family,
  table: string,
  name: string,
): Promise<ReadonlyMap<string, string>> {
  const objects = await nft.list('set', dialectOf(family).ip, table, name);
  return elementsOf(objects?.find(({ set }) => set !== undefined)?.set?.elem);
}

/** Elements of one map; empty when it is not there. */
export async function readMap(
  nft: Nft,
  family: Family,
  table: string,
  name: string,
): Promise<ReadonlyMap<string, string>> {
  const objects = await nft.list('map', dialectOf(family).ip, table, name);
  const map = objects?.find((object) => object.map !== undefined)?.map;
  return map === undefined ? new Map() : elementsOf(map.elem);
}

function elementsOf(list: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const element of (list ?? []) as readonly unknown[]) {
    if (Array.isArray(element)) found.set(textOf(element[0]), textOf(element[1]));
    else found.set(textOf(element), '');
  }
  return found;
}

interface Words {
  readonly concat?: readonly unknown[];
  readonly prefix?: { readonly addr: string; readonly len: number };
  readonly elem?: { readonly val: unknown };
  readonly range?: readonly unknown[];
  readonly goto?: { readonly target: string };
  readonly jump?: { readonly target: string };
}

const PROTOCOL_NAMES: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };

function textOf(value: unknown, place = 0): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const words = value as Words;
  if (words.elem !== undefined) return textOf(words.elem.val);
  if (words.concat !== undefined)
    return words.concat.map((part, at, all) => partText(part, at, all.length)).join(' . ');
  if (words.prefix !== undefined) return `${words.prefix.addr}/${words.prefix.len}`;
  if (words.range !== undefined) return words.range.map((part) => textOf(part)).join('-');
  if (words.goto !== undefined) return `goto ${words.goto.target}`;
  if (words.jump !== undefined) return `jump ${words.jump.target}`;
  const [verdict] = Object.keys(value);
  return place === 0 ? (verdict ?? '') : '';
}

/** The protocol is the second part of every front; of an address and a port alone, that is the port. */
function partText(part: unknown, at: number, count: number): string {
  const text = textOf(part);
  return at === 1 && count > 2 ? (PROTOCOL_NAMES[text] ?? text) : text;
}
