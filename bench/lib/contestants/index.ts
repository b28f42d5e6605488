// The proxies there are, and how those that are installed are started.
// Knows nothing of what is measured.

import type { Arena } from '../arena.ts';
import { isInstalled } from '../processes.ts';
import { caddy } from './caddy.ts';
import type { ProxyKind, Running, Setup } from './contestant.ts';
import { evenkeel } from './evenkeel.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { relay } from './relay.ts';
import { varnish } from './varnish.ts';

export const proxies = { evenkeel, haproxy, nginx, caddy, varnish, relay } as const satisfies Record<string, ProxyKind>;

export type ProxyName = keyof typeof proxies;

export interface Entry {
  /** Of the contestant; the proxy's own unless one proxy takes part several times. */
  readonly name?: string;
  readonly proxy: ProxyName;
  readonly setup: Setup;
  /** Instead of the arena's. */
  readonly core?: number | undefined;
}

/** Starts those of `entries` that are installed and wanted, ours first. `say` hears of those left out. */
export async function startAll(
  arena: Arena,
  entries: readonly Entry[],
  only: readonly string[],
  say: (line: string) => void,
): Promise<Running[]> {
  const missing = new Set<ProxyName>();
  const started: Running[] = [];
  for (const entry of entries) {
    const name = entry.name ?? entry.proxy;
    if (only.length > 0 && !only.some((word) => word === name || word === entry.proxy)) continue;
    const { program, debian } = proxies[entry.proxy];
    if (!isInstalled(program)) {
      if (!missing.has(entry.proxy))
        say(`${entry.proxy} is not installed and is left out (Debian: apt install ${debian})`);
      missing.add(entry.proxy);
      continue;
    }
    started.push(await startOne(arena, entry));
  }
  return started;
}

export async function startOne(arena: Arena, entry: Entry): Promise<Running> {
  const name = entry.name ?? entry.proxy;
  // Their files are named after them, and not every proxy takes spaces in a path.
  const made = await proxies[entry.proxy].make(entry.setup, arena, name.replaceAll(/[^a-z0-9]+/g, '-'));
  const contestant = { ...made, name };
  const begun = performance.now();
  const core = 'core' in entry ? entry.core : arena.proxyCore;
  const child = await arena.serve(contestant.command, contestant.args, contestant.port, {
    core,
    ...(contestant.env === undefined ? {} : { env: contestant.env }),
    ...(contestant.ipc === undefined ? {} : { ipc: contestant.ipc }),
  });
  return { ...contestant, child, pid: child.pid as number, startMs: performance.now() - begun };
}
