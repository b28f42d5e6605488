// The sets of ipset that the driver's few rules look into, and the text that changes them.
// Pure; an element is keyed by the name of its set and what it holds: `ek-served-4 10.96.0.1,tcp:80`.
import type { Family } from '#lib/ip.ts';
import type { SourceClass } from '#traffic/snapshot/rules/node-facts.ts';

/** What each set holds, and how ipset calls that. Fronts are an address and port of a Service. */
const TYPES = {
  /** CIDRs of pods, and of ClusterIPs. */
  pods: 'hash:net',
  ranges: 'hash:net',
  /** Addresses of the node, and of Services. */
  node: 'hash:ip',
  ips: 'hash:ip',
  /** All fronts, and those that refuse everybody. */
  served: 'hash:ip,port',
  reject: 'hash:ip,port',
  /** Fronts with source ranges, and who may use them. */
  guarded: 'hash:ip,port',
  sources: 'hash:ip,port,net',
  /** Endpoints with their own address as the client's. */
  loop: 'hash:ip,port,ip',
  'drop-pod': 'hash:ip,port',
  'drop-node': 'hash:ip,port',
  'drop-other': 'hash:ip,port',
  'masq-pod': 'hash:ip,port',
  'masq-node': 'hash:ip,port',
  'masq-other': 'hash:ip,port',
  /** The mark by which IPVS knows them, for fronts where the address does not say enough. */
  'mark-pod': 'hash:ip,port skbinfo',
  'mark-node': 'hash:ip,port skbinfo',
  'mark-other': 'hash:ip,port skbinfo',
} as const;

export type SetName = keyof typeof TYPES;
export const sourceClasses: readonly SourceClass[] = ['pod', 'node', 'other'];

/** Elements with what is said of them (`skbmark 0x1`), or nothing. */
export type Elements = ReadonlyMap<string, string>;

const MOST_ELEMENTS = 1_048_576;
const FAMILIES = { IPv4: { ending: '4', word: 'inet' }, IPv6: { ending: '6', word: 'inet6' } } as const;

export function setName(prefix: string, name: SetName, family: Family): string {
  return `${prefix}-${name}-${FAMILIES[family].ending}`;
}

/** Names of all sets, referred to by rules or not. */
export function setNames(prefix: string, families: readonly Family[]): string[] {
  return families.flatMap((family) => (Object.keys(TYPES) as SetName[]).map((name) => setName(prefix, name, family)));
}

/** To be read with `-exist`: those that are there stay as they are. */
export function createSets(prefix: string, families: readonly Family[]): string[] {
  return families.flatMap((family) =>
    Object.entries(TYPES).map(([name, type]) => {
      const [kind, extension = ''] = type.split(' ');
      const words = `family ${FAMILIES[family].word} maxelem ${MOST_ELEMENTS} ${extension}`.trim();
      return `create ${setName(prefix, name as SetName, family)} ${kind} ${words}`;
    }),
  );
}

export interface ElementChange {
  readonly adds: readonly string[];
  readonly dels: readonly string[];
}

/** From one to the other; only at `keys`, where they are said. An element that is said otherwise is added over itself. */
export function elementChange(have: Elements, want: Elements, keys?: Iterable<string>): ElementChange {
  const adds: string[] = [];
  const dels: string[] = [];
  for (const key of keys ?? new Set([...have.keys(), ...want.keys()])) {
    const [before, after] = [have.get(key), want.get(key)];
    if (after === undefined) {
      if (before !== undefined) dels.push(`del ${key}`);
    } else if (before !== after) adds.push(`add ${key}${after === '' ? '' : ` ${after}`}`);
  }
  return { adds, dels };
}

/** Of what `ipset save` prints: the elements of sets whose name begins with `prefix-`. */
export function parseElements(text: string, prefix: string): Map<string, string> {
  const elements = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [verb, name = '', element = '', ...words] = line.trim().split(' ');
    if (verb === 'add' && name.startsWith(`${prefix}-`)) elements.set(`${name} ${element}`, words.join(' '));
  }
  return elements;
}

/** A range as ipset spells it: a single address has no length, and everything is two halves. */
export function rangeElements(cidr: string): string[] {
  const [address = '', length = ''] = cidr.split('/');
  const isV6 = address.includes(':');
  if (length === '0') return isV6 ? ['::/1', '8000::/1'] : ['0.0.0.0/1', '128.0.0.0/1'];
  return [length === (isV6 ? '128' : '32') ? address : cidr];
}
