// Drives wrk: as many requests as a number of connections can carry, one after the other on each.
// Falls back to our own clients where wrk is not installed. Knows nothing of who answers.

import type { Arena } from '../arena.ts';
import { isInstalled } from '../processes.ts';
import { driveByHand } from './by-hand.ts';
import type { LoadResult } from './result.ts';

export interface WrkPlan {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
  /** A Lua script that says what is sent. */
  readonly script?: string;
}

export async function wrk(arena: Arena, plan: WrkPlan, core = arena.loadCore): Promise<LoadResult> {
  const { url, connections, seconds, headers = [], script } = plan;
  if (!isInstalled('wrk')) {
    if (headers.length > 0 || script !== undefined || !url.startsWith('http:'))
      throw new Error('This work needs wrk (Debian: apt install wrk)');
    return driveByHand(new URL(url), connections, seconds);
  }
  const args = ['-t1', `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '--latency', '--timeout', '10s'];
  for (const header of headers) args.push('-H', header);
  if (script !== undefined) args.push('-s', script);
  return parseWrk(await arena.output('wrk', [...args, url], core));
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** Reads what wrk prints with `--latency`; throws when it is something else. */
export function parseWrk(text: string): LoadResult {
  const total = /(\d+) requests in ([\d.]+)(ms|s|m)/.exec(text);
  const p99 = /99%\s+([\d.]+)(us|ms|s|m)/.exec(text);
  if (total === null || p99 === null) throw new Error(`Cannot read the output of wrk: ${text}`);
  const socketErrors = [...(/Socket errors: (.*)/.exec(text)?.[1] ?? '').matchAll(/\d+/g)].map(Number);
  const statusErrors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  return {
    requests: Number(total[1]),
    errors: socketErrors.reduce((sum, count) => sum + count, statusErrors),
    seconds: (Number(total[2]) * (UNITS[total[3] as string] as number)) / 1000,
    p99Ms: Number(p99[1]) * (UNITS[p99[2] as string] as number),
  };
}
