// Chains that come with need: one for each size of a table of slots, two for each Service port with affinity.
// Pure: names and rules; whoever uses a chain has it made first.
import type { Family } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import { affinityMaps, clientHash, clientKey, dialectOf, type EndpointMap, endpointMap } from './layout.ts';

export interface Chain {
  readonly name: string;
  readonly rules: readonly string[];
}

export function pickName(map: EndpointMap, by: 'number' | 'source', size: number, protocol: L4Protocol): string {
  const word = `${by === 'number' ? 'random' : 'hash'}-${size}-${protocol.toLowerCase()}`;
  return map === 'endpoints' ? word : `local-${word}`;
}

/** How often one is drawn: each draw misses in a third of the cases at most, so that all do in one of 59,000. */
const DRAWS = 10;
/** Up to so many slots have a table of their number, where no draw misses. */
const MOST_EXACT = 4;

/** Chains that a chain which takes slots needs besides itself, with what makes them. */
export function eachDrawChain(
  family: Family,
  map: EndpointMap,
  size: number,
  protocol: L4Protocol,
  visit: (name: string, make: () => Chain) => void,
): void {
  if (size <= MOST_EXACT) return;
  const name = drawName(map, size, protocol);
  const rules = (): readonly string[] => [takeRule(family, map, protocol, `numgen random mod ${size}`)];
  visit(name, () => ({ name, rules: rules() }));
  visit(pickName(map, 'number', 1, protocol), () => pickChain(family, map, 'number', 1, protocol));
}

function drawName(map: EndpointMap, size: number, protocol: L4Protocol): string {
  return `draw-${pickName(map, 'number', size, protocol)}`;
}

function takeRule(family: Family, map: EndpointMap, protocol: L4Protocol, place: string): string {
  const { ip } = dialectOf(family);
  const word = protocol.toLowerCase();
  const key = `${ip} daddr . meta l4proto . ${word} dport . ${place}`;
  return `meta l4proto ${word} dnat ${ip} to ${key} map @${endpointMap(map, protocol)}`;
}

/**
 * The size of the table that so many slots are drawn from: 1, 2, 3, 4, 6, 8, 12, 16 ... A chain for each number of slots
 * would come with nearly every endpoint of a large Service, and for its rule the kernel goes through the whole map.
 */
export function drawnSize(slots: number): number {
  let size = 1;
  while (size < slots) size = Number.isInteger(Math.log2(size)) && size > 1 ? size * 1.5 : Math.ceil((size * 4) / 3);
  return size;
}

export function affinityName(id: number): string {
  return `affinity-${id}`;
}

export function rememberName(id: number): string {
  return `remember-${id}`;
}

export function rememberBySourceName(id: number): string {
  return `remember-by-source-${id}`;
}

/**
 * Takes one of the slots of the address that was asked for. By number, slots are drawn from `size` of which some may be
 * empty: who meets one draws again, so that all that are filled are equally likely. By source, `size` are filled.
 */
export function pickChain(
  family: Family,
  map: EndpointMap,
  by: 'number' | 'source',
  size: number,
  protocol: L4Protocol,
): Chain {
  const name = pickName(map, by, size, protocol);
  const take = (place: string): Chain => ({ name, rules: [takeRule(family, map, protocol, place)] });
  if (by === 'source') return take(clientHash(dialectOf(family), size));
  if (size <= MOST_EXACT) return take(`numgen random mod ${size}`);
  // In a chain of its own, since the kernel goes through the whole map for each rule that looks into it.
  const draws = Array<string>(DRAWS).fill(`jump ${drawName(map, size, protocol)}`);
  // The first slot is always filled.
  return { name, rules: [...draws, `goto ${pickName(map, 'number', 1, protocol)}`] };
}

/** A client that was here before goes where it went; others pick. `id` is the Service port's own (1 to 2^31 - 1). */
export function affinityChain(family: Family, id: number, protocol: L4Protocol, pick: string): Chain {
  const dialect = dialectOf(family);
  const key = `${clientKey(dialect)} . ${idExpression(id)}`;
  const known = affinityMaps(family, protocol).map((map) => `${key} map @${map}`);
  const stay = `dnat ${dialect.ip} to ${known.join(' : ')}`;
  return { name: affinityName(id), rules: [`meta l4proto ${protocol.toLowerCase()} ${stay}`, `goto ${pick}`] };
}

/** Notes where a client went, with the packet on its way to the endpoint: its source is still the client's. */
export function rememberChain(family: Family, id: number, protocol: L4Protocol, seconds: number): Chain {
  const dialect = dialectOf(family);
  const key = `${clientKey(dialect)} . ${idExpression(id)} timeout ${seconds}s`;
  const values = family === 'IPv4' ? ['ip daddr . th dport'] : ['ip6 daddr', 'th dport'];
  const rules = affinityMaps(family, protocol).map((map, at) => `update @${map} { ${key} : ${values[at]} }`);
  return { name: rememberName(id), rules };
}

/** Which of two memories holds a client of an address whose endpoints depend on the source. */
export function rememberBySource(family: Family, id: number, shortcut: string | undefined, local: string): Chain {
  const { ip } = dialectOf(family);
  const verdict = shortcut === undefined ? 'return' : `goto ${shortcut}`;
  return {
    name: rememberBySourceName(id),
    rules: [`${ip} saddr @pod-ranges ${verdict}`, `fib saddr type local ${verdict}`, `goto ${local}`],
  };
}

/** A number as an expression: a counter that never leaves it. A literal cannot stand in a concatenation. */
function idExpression(id: number): string {
  return `numgen inc mod 1 offset ${id}`;
}
