// The table of IPVS as data: virtual services and their destinations, keyed by the words that ipvsadm has for them.
// Pure; knows no Service and no kernel.
import type { Family } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';

export const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'sh', 'dh', 'sed', 'nq', 'mh'] as const;
export type Scheduler = (typeof schedulers)[number];

export interface Virtual {
  /** One of `schedulers` where we made it. */
  readonly scheduler: string;
  /** Seconds that a client stays with its destination; 0: no longer than its connection. */
  readonly persistentSeconds: number;
  /** Whatever else ipvsadm says of it. */
  readonly others: string;
  /** Weight by `address:port`; one that does not translate addresses has `FOREIGN_WAY`. */
  readonly destinations: ReadonlyMap<string, number>;
}

/** By `-t 10.96.0.1:80`, `-u [fd00::1]:53`, `--sctp-service ...`, or `-f 17` (`-f 17 -6`). */
export type IpvsTable = ReadonlyMap<string, Virtual>;

/** Weight of a destination that is reached otherwise than by translation: no weight that we ask for. */
export const FOREIGN_WAY = -1;

const PROTOCOL_WORDS: Readonly<Record<L4Protocol, string>> = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' };

export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function addressKey(protocol: L4Protocol, address: string, port: number): string {
  return `${PROTOCOL_WORDS[protocol]} ${hostPort(address, port)}`;
}

/** Packets that bear this mark, whatever their address. */
export function markKey(mark: number, family: Family): string {
  return `-f ${mark}${family === 'IPv6' ? ' -6' : ''}`;
}

/** The mark of such a key; undefined for one by address. */
export function markOf(key: string): number | undefined {
  const found = /^-f (\d+)/.exec(key)?.[1];
  return found === undefined ? undefined : Number(found);
}
