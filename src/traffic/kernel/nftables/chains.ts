// Chains that come with need: one for each number of slots there is, two for each Service port with affinity.
// Pure: names and rules; whoever uses a chain has it made first.
import type { Family } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import {
  affinityMaps,
  clientHash,
  clientKey,
  dialectOf,
  type EndpointMap,
  endpointMap,
  L4_PROTOCOLS,
} from './layout.ts';

export interface Chain {
  readonly name: string;
  readonly rules: readonly string[];
}

export function pickName(map: EndpointMap, by: 'number' | 'source', count: number): string {
  return `${map === 'endpoints' ? '' : 'local-'}${by === 'number' ? 'random' : 'hash'}-${count}`;
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

/** Takes one of `count` slots of the address that was asked for. */
export function pickChain(family: Family, map: EndpointMap, by: 'number' | 'source', count: number): Chain {
  const { ip } = dialectOf(family);
  const place = by === 'number' ? `numgen random mod ${count}` : clientHash(dialectOf(family), count);
  return {
    name: pickName(map, by, count),
    rules: L4_PROTOCOLS.map((protocol) => {
      const word = protocol.toLowerCase();
      const key = `${ip} daddr . meta l4proto . ${word} dport . ${place}`;
      return `meta l4proto ${word} dnat ${ip} to ${key} map @${endpointMap(map, protocol)}`;
    }),
  };
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
