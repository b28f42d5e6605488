// Drives dnsperf: questions of a file, so many under way at a time. Falls back to nothing: without it there is no load.
// Knows what it prints; nothing of who answers.

import type { Arena } from '../lib/arena.ts';
import type { LoadResult } from '../lib/load/result.ts';

export interface DnsperfPlan {
  readonly port: number;
  /** A line a question. */
  readonly file: string;
  readonly seconds: number;
  readonly outstanding: number;
  readonly mode: 'udp' | 'tcp';
}

/** How many sockets ask: about as many pods. */
const CLIENTS = 16;

export async function dnsperf(arena: Arena, plan: DnsperfPlan): Promise<LoadResult> {
  const { port, file, seconds, outstanding, mode } = plan;
  const load = ['-d', file, '-l', String(Math.max(1, Math.round(seconds))), '-q', String(outstanding), '-t', '2'];
  const where = ['-m', mode, '-s', '127.0.0.1', '-p', String(port), '-c', String(CLIENTS), '-T', '1'];
  return parseDnsperf(await arena.output('dnsperf', [...where, ...load, '-O', 'suppress=timeout']));
}

/** Reads what dnsperf 2.10 prints; throws when it is something else. Latency is told as an average alone. */
export function parseDnsperf(text: string): LoadResult {
  const figure = (name: string): number => {
    const found = new RegExp(`${name}:\\s+([\\d.]+)`).exec(text)?.[1];
    if (found === undefined) throw new Error(`Cannot read the output of dnsperf: ${text}`);
    return Number(found);
  };
  const codes = /Response codes:(.*)/.exec(text)?.[1] ?? '';
  // What was asked for are names that there are, and names that there are not.
  const strange = [...codes.matchAll(/([A-Z]+) (\d+)/g)].filter(
    ([, code]) => code !== 'NOERROR' && code !== 'NXDOMAIN',
  );
  return {
    requests: figure('Queries completed'),
    errors: figure('Queries lost') + strange.reduce((sum, [, , count]) => sum + Number(count), 0),
    seconds: figure('Run time \\(s\\)'),
    p99Ms: Number.NaN,
  };
}
