// The routes that lead Service addresses to this machine's sockets, and those that leave unknown ones without an answer.
// From fronts to lines for `ip`, one spelling each; runs nothing.
import { hash32 } from '#lib/hash.ts';
import { type Family, familyOf } from '#lib/ip.ts';
import type { Front, PortRules } from '#traffic/snapshot/rules/rule-model.ts';

/**
 * What of the kernel is ours, told by numbers: a protocol and a metric for routes to ClusterIPs, which stand among the
 * local ones; a table where everything is local, and one where everything is dropped.
 */
export interface Marks {
  readonly metric: number;
  readonly served: number;
  readonly dropped: number;
}

/** Routing protocol of our routes (rtnetlink leaves numbers above 4 to programs). */
export const PROTOCOL = 186;
/** Before the tables of the machine, after that of its own addresses. */
export const PORT_PREFERENCE = 90;
export const RANGE_PREFERENCE = 91;
const FIRST_TABLE = 0x45560000;
const OWNERS = 0x4000;

/** A line of `ip`, without the word that adds or removes it: `route local 10.96.0.10 ...`. */
export type Way = `${'route' | 'rule'} ${string}`;

export function marksOf(owner: string): Marks {
  const number = hash32(owner) % OWNERS;
  return { metric: FIRST_TABLE + number, served: FIRST_TABLE + 2 * number, dropped: FIRST_TABLE + 2 * number + 1 };
}

/**
 * ClusterIPs are the node's as a whole, so that it refuses what they have no port for. Of other addresses only the
 * ports of Services are: the rest goes its way. Node ports are on addresses that the node has.
 */
export function wayOf({ kind, address, port }: Front, { protocol }: Pick<PortRules, 'protocol'>, marks: Marks): Way[] {
  if (kind === 'node_port') return [];
  if (kind === 'cluster_ip') return [clusterWay(address, marks)];
  return [portWay(address, protocol.toLowerCase(), port, marks)];
}

export function clusterWay(address: string, { metric }: Marks): Way {
  return `route local ${address} dev lo proto ${PROTOCOL} metric ${metric}`;
}

export function portWay(address: string, protocol: string, port: number, { served }: Marks): Way {
  return `rule pref ${PORT_PREFERENCE} to ${address} ipproto ${protocol} dport ${port} lookup ${served}`;
}

export function rangeWay(range: string, { dropped }: Marks): Way {
  return `rule pref ${RANGE_PREFERENCE} to ${range} lookup ${dropped}`;
}

/** The tables that rules lead to, where there is one. */
export function tableWays({ served, dropped }: Marks): readonly Way[] {
  return [`route local default dev lo table ${served}`, `route blackhole default table ${dropped}`];
}

/** The family a line is of; lines without an address are of both. */
export function familyOfWay(way: Way): Family | undefined {
  const address = way.split(' ').find((word) => familyOf(word) !== undefined);
  return address === undefined ? undefined : familyOf(address);
}

/** `route add local ...`. */
export function command(verb: 'add' | 'del', way: Way): string {
  const [object, ...words] = way.split(' ');
  return `${object} ${verb} ${words.join(' ')}`;
}

interface ShownRoute {
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly metric?: number;
}

interface ShownRule {
  readonly priority: number;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly ipproto?: string;
  readonly dport?: number;
  readonly table?: string;
}

/** Ours among what `ip -j` lists of one family, spelt as above; `tables` are the routes of our two tables. */
export function waysShown(
  shown: { readonly local: string; readonly served: string; readonly dropped: string; readonly rules: string },
  family: Family,
  marks: Marks,
): Way[] {
  const ways: Way[] = [];
  for (const { dst, metric } of parse<ShownRoute>(shown.local)) {
    if (metric === marks.metric) ways.push(clusterWay(withoutLength(dst), marks));
  }
  const whole = family === 'IPv4' ? 32 : 128;
  for (const { priority, dst, dstlen, ipproto, dport, table } of parse<ShownRule>(shown.rules)) {
    if (table === String(marks.served)) {
      ways.push(`rule pref ${priority} to ${dst} ipproto ${ipproto} dport ${dport} lookup ${marks.served}`);
    } else if (table === String(marks.dropped)) {
      ways.push(`rule pref ${priority} to ${dst}/${dstlen ?? whole} lookup ${marks.dropped}`);
    }
  }
  for (const table of ['served', 'dropped'] as const) {
    for (const { type, dst, dev } of parse<ShownRoute>(shown[table])) {
      const at = type === 'local' ? `${dst} dev ${dev}` : dst;
      ways.push(`route ${type ?? 'unicast'} ${at} table ${marks[table]}`);
    }
  }
  return ways;
}

function parse<T>(json: string): readonly T[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as readonly T[]);
}

function withoutLength(dst: string): string {
  return dst.split('/', 1)[0] ?? dst;
}
