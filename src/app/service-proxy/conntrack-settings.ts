// The kernel's settings of connection tracking, as kube-proxy's flags name them: set for the time of a proxy, and put back.
// Knows files of /proc/sys, and no rule. Upstream: cmd/kube-proxy/app/conntrack.go, which only ever raises them.
import { readFileSync, writeFileSync } from 'node:fs';
import { codeOf, Failure, messageOf } from '../failure.ts';

/** Undefined members are left as the machine has them. Times in milliseconds. */
export interface ConntrackSettings {
  /** Connections for each core; 0 leaves the most there may be alone. */
  readonly maxPerCore?: number;
  /** Connections however few cores there are. */
  readonly min?: number;
  readonly tcpEstablishedMs?: number;
  readonly tcpCloseWaitMs?: number;
  readonly udpMs?: number;
  readonly udpStreamMs?: number;
  readonly tcpBeLiberal?: boolean;
}

export interface ConntrackWish {
  /** File below /proc/sys/net/netfilter. */
  readonly name: string;
  readonly value: number;
  /** What is there already may be more. */
  readonly atLeast: boolean;
  /** That asked for it. */
  readonly flag: string;
}

/** Upstream's, where one of the two is given. */
const PER_CORE = 32_768;
const LEAST = 131_072;
/** Connections that share a bucket of the kernel's table, as upstream reckons. */
const PER_BUCKET = 4;

export function conntrackWishes(settings: ConntrackSettings, cores: number): ConntrackWish[] {
  const wishes: ConntrackWish[] = [];
  const { maxPerCore, min } = settings;
  const most = maxPerCore === undefined && min === undefined ? 0 : mostConnections(maxPerCore ?? PER_CORE, min, cores);
  if (most > 0) {
    const flag = maxPerCore === undefined ? '--conntrack-min' : '--conntrack-max-per-core';
    wishes.push({ name: 'nf_conntrack_max', value: most, atLeast: true, flag });
    wishes.push({ name: 'nf_conntrack_buckets', value: Math.floor(most / PER_BUCKET), atLeast: true, flag });
  }
  const seconds = (name: string, ms: number | undefined, flag: string): void => {
    // As upstream, 0 leaves it alone.
    if (ms === undefined || ms === 0) return;
    wishes.push({ name: `nf_conntrack_${name}`, value: Math.ceil(ms / 1000), atLeast: false, flag });
  };
  seconds('tcp_timeout_established', settings.tcpEstablishedMs, '--conntrack-tcp-timeout-established');
  seconds('tcp_timeout_close_wait', settings.tcpCloseWaitMs, '--conntrack-tcp-timeout-close-wait');
  seconds('udp_timeout', settings.udpMs, '--conntrack-udp-timeout');
  seconds('udp_timeout_stream', settings.udpStreamMs, '--conntrack-udp-timeout-stream');
  if (settings.tcpBeLiberal === true) {
    wishes.push({ name: 'nf_conntrack_tcp_be_liberal', value: 1, atLeast: false, flag: '--conntrack-tcp-be-liberal' });
  }
  return wishes;
}

function mostConnections(perCore: number, min = LEAST, cores: number): number {
  return perCore === 0 ? 0 : Math.max(min, perCore * cores);
}

const FOLDER = '/proc/sys/net/netfilter';

/**
 * Sets them; what was done before a failure is undone. Returns what puts back each value that is still the one set here.
 * Throws a `Failure` that names the flag.
 */
export function holdConntrack(wishes: readonly ConntrackWish[], folder = FOLDER): () => void {
  const before = new Map<ConntrackWish, number>();
  const restore = (): void => {
    for (const [{ name, value }, had] of [...before].reverse()) {
      try {
        // Somebody else has decided otherwise meanwhile.
        if (read(folder, name) === value) writeFileSync(`${folder}/${name}`, String(had));
      } catch {
        // It was ours to write a moment ago: whoever took that away has the last word.
      }
    }
    before.clear();
  };
  for (const wish of wishes) {
    try {
      const had = read(folder, wish.name);
      if (had === wish.value || (wish.atLeast && had > wish.value)) continue;
      writeFileSync(`${folder}/${wish.name}`, String(wish.value));
      before.set(wish, had);
    } catch (error) {
      restore();
      throw refused(wish, folder, error);
    }
  }
  return restore;
}

function read(folder: string, name: string): number {
  return Number(readFileSync(`${folder}/${name}`, 'utf8'));
}

function refused({ name, value, flag }: ConntrackWish, folder: string, error: unknown): Failure {
  const what = `${flag}: ${folder}/${name} cannot be set to ${value}`;
  if (codeOf(error) === 'ENOENT') {
    return new Failure(
      `${what}: there is no such setting here`,
      'Load the module nf_conntrack, or leave the flag out; most and buckets are there in the first network namespace of the machine alone',
    );
  }
  return new Failure(
    `${what} (${codeOf(error) ?? messageOf(error)})`,
    'Run as root with a /proc/sys that can be written, in the first network namespace of the machine for the most connections, or leave the flag out',
  );
}
