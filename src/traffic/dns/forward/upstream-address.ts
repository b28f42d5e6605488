// Which resolvers questions of others go to: what a person names, or what the machine itself asks.
// Knows texts and files; asks nobody.
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Clock } from '#lib/clock.ts';

export interface UpstreamAddress {
  readonly address: string;
  readonly port: number;
}

export const upstreamName = ({ address, port }: UpstreamAddress): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** `1.1.1.1`, `1.1.1.1:5353`, `fd00::1`, `[fd00::1]:5353`; undefined for anything else. */
export function parseUpstream(text: string): UpstreamAddress | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const [, address = text, port = '53'] =
    bracketed ?? (isIP(text) > 0 ? ['', text] : (/^([^:]+):(\d+)$/.exec(text) ?? []));
  const number = Number(port);
  if (isIP(address) === 0 || number < 1 || number > 65_535) return undefined;
  return { address, port: number };
}

/** The `nameserver` lines of a resolv.conf, in their order. */
export function nameserversOf(text: string): UpstreamAddress[] {
  return text.split('\n').flatMap((line) => {
    const address = /^\s*nameserver\s+([^\s#;]+)/.exec(line)?.[1] ?? '';
    return isIP(address) > 0 ? [{ address, port: 53 }] : [];
  });
}

/** The domains of its last `search` or `domain` line. */
export function searchesOf(text: string): string[] {
  let searches: string[] = [];
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'search' || word === 'domain') searches = rest.map((one) => one.replace(/\.$/, '').toLowerCase());
  }
  return searches.filter((one) => one !== '');
}

/** How often a file is looked at, milliseconds: a laptop changes its resolvers as it changes networks. */
const LOOK_MS = 2_000;

/** What a resolv.conf says as it is now; nothing while it cannot be read. */
export function resolvConf<T>(path: string, clock: Clock, read: (text: string) => readonly T[]): () => readonly T[] {
  let looked = Number.NEGATIVE_INFINITY;
  let seen = '';
  let known: readonly T[] = [];
  return () => {
    if (clock.now() - looked < LOOK_MS) return known;
    looked = clock.now();
    try {
      const { mtimeMs, ino, size } = statSync(path);
      const now = `${mtimeMs} ${ino} ${size}`;
      if (now !== seen) known = read(readFileSync(path, 'utf8'));
      seen = now;
    } catch {
      // No such file is no resolver, as libc reads it.
      seen = '';
      known = [];
    }
    return known;
  };
}
