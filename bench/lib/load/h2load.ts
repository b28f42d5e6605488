// Drives h2load: HTTP/2 with many streams at a time on each connection.
// Knows nothing of who answers; latencies come from its log file.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Arena } from '../arena.ts';
import { percentile } from '../statistics.ts';
import type { LoadResult } from './result.ts';

export interface H2loadPlan {
  readonly url: string;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
  /** A file whose content is posted. */
  readonly body?: string;
}

export async function h2load(arena: Arena, plan: H2loadPlan): Promise<LoadResult> {
  const log = join(arena.directory, 'h2load.log');
  // h2load appends to what is there.
  rmSync(log, { force: true });
  const args = [
    ...['-t1', `-c${plan.connections}`, `-m${plan.streams}`, '-D', String(Math.max(1, Math.round(plan.seconds)))],
    ...['--log-file', log, ...(plan.headers ?? []).flatMap((header) => ['-H', header])],
    ...(plan.body === undefined ? [] : ['-d', plan.body]),
  ];
  const text = await arena.output('h2load', [...args, plan.url]);
  return { ...parseH2load(text), p99Ms: p99OfLog(readFileSync(log, 'utf8')) };
}

/** Reads the summary of h2load; throws when it is something else. */
export function parseH2load(text: string): Omit<LoadResult, 'p99Ms'> {
  const finished = /finished in ([\d.]+)(us|ms|s|m), ([\d.]+) req\/s/.exec(text);
  const requests = /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded/.exec(text);
  if (finished === null || requests === null) throw new Error(`Cannot read the output of h2load: ${text}`);
  const done = Number(requests[1]);
  const unit = { us: 1e-6, ms: 1e-3, s: 1, m: 60 }[finished[2] as 'us' | 'ms' | 's' | 'm'];
  // A request that has no answer when the time is over is neither done nor an error.
  const statuses = /status codes: (\d+) 2xx/.exec(text);
  const good = Math.min(Number(requests[2]), statuses === null ? done : Number(statuses[1]));
  return { requests: done, errors: done - good, seconds: Number(finished[1]) * unit };
}

/** The 99th percentile, in milliseconds, of lines `start\tstatus\tmicroseconds`; NaN without lines. */
export function p99OfLog(text: string): number {
  const latencies: number[] = [];
  for (const line of text.split('\n')) {
    const micros = Number(line.split('\t')[2] ?? Number.NaN);
    if (Number.isFinite(micros)) latencies.push(micros / 1000);
  }
  return percentile(
    latencies.sort((a, b) => a - b),
    0.99,
  );
}
