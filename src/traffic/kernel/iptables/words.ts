// The words of iptables-restore(8) that differ by family, and the names of our chains.
// Text is written as iptables-save prints it, so that what was read can be compared with what was meant.
import { hash32 } from '#lib/hash.ts';
import type { Family } from '#lib/ip.ts';
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';

export interface Dialect {
  readonly save: 'iptables-save' | 'ip6tables-save';
  readonly restore: 'iptables-restore' | 'ip6tables-restore';
  /** Of a single address. */
  readonly hostBits: 32 | 128;
  readonly hostMask: string;
  readonly portUnreachable: string;
}

const DIALECTS: Readonly<Record<Family, Dialect>> = {
  IPv4: {
    save: 'iptables-save',
    restore: 'iptables-restore',
    hostBits: 32,
    hostMask: '255.255.255.255',
    portUnreachable: 'icmp-port-unreachable',
  },
  IPv6: {
    save: 'ip6tables-save',
    restore: 'ip6tables-restore',
    hostBits: 128,
    hostMask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    portUnreachable: 'icmp6-port-unreachable',
  },
};

export function dialectOf(family: Family): Dialect {
  return DIALECTS[family];
}

/** Chains have at most 28 characters. */
export function chainPrefix(owner: string | undefined): string {
  return owner === undefined ? 'EVK' : `EVK${(hash32(owner) >>> 16).toString(16).padStart(4, '0').toUpperCase()}`;
}

export function chainName(prefix: string, kind: string, about: string): string {
  const hash = [hash32(about), hash32(`${about}\0`)].map((part) => part.toString(16).padStart(8, '0')).join('');
  return `${prefix}-${kind}-${hash.toUpperCase()}`;
}

/** Kinds of chains of a port, each of which leads to those before it. */
const KINDS = [['SEP'], ['SVC', 'SVL'], ['INT', 'EXT'], ['FWS', 'FWD']] as const;
const DEPTHS = new Map<string, number>(KINDS.flatMap((kinds, at) => kinds.map((kind) => [kind, at + 1])));

/** 0 for a chain that is always there; else how many others may lie between it and an endpoint, and one more. */
export function depthOf(name: string, prefix: string): number {
  return DEPTHS.get(name.slice(prefix.length + 1, prefix.length + 4)) ?? 0;
}

/** What a packet to an address and port of the protocol matches. */
export function matchFront(
  family: Family,
  address: string,
  { protocol }: Pick<PortRules, 'protocol'>,
  port: number,
): string {
  const word = protocol.toLowerCase();
  return `-d ${address}/${dialectOf(family).hostBits} -p ${word} -m ${word} --dport ${port}`;
}

/** The share as the kernel keeps it (of 2^31) and iptables-save prints it. */
export function probability(share: number): string {
  return (Math.round(share * 2 ** 31) / 2 ** 31).toFixed(11);
}
