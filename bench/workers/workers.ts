// The benchmark of workers: what two carry beside one on two cores.
// The load has to be cheap for that, because it shares the cores: many headers, which cost the gateway most.

import { type Arena, inArena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import type { Running } from '../lib/contestants/contestant.ts';
import { startOne } from '../lib/contestants/index.ts';
import { wrk } from '../lib/load/wrk.ts';
import { cpuSeconds, threadSeconds } from '../lib/processes.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

const CONNECTIONS = 64;

interface Figures {
  readonly rate: number;
  /** CPU microseconds a request, all threads. */
  readonly cpuMicros: number;
  /** The busiest thread's share of the CPU time. */
  readonly busiest: number;
  readonly errors: number;
}

interface Work {
  readonly name: string;
  readonly path: string;
  readonly headers: number;
}

const works: readonly Work[] = [
  { name: 'through to a backend', path: '/', headers: 4 },
  { name: '90 headers, answered by the gateway itself', path: '/nowhere', headers: 90 },
];

export const workers: Benchmark = {
  usage: {
    name: 'workers',
    about: `One worker beside two, not pinned to cores. What two carry is told in two ways: throughput, which load and
backends on the same cores bound, and requests a second of CPU, times two, times how evenly the threads work.`,
    seconds: 5,
    rounds: 5,
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const backends = await startBackends(arena, { count: 2 });
      const routes = [{ path: '/nowhere', backends: [] }];
      const gateways: Running[] = [];
      for (const count of [1, 2]) {
        const setup = { backends, routes, workers: count };
        gateways.push(await startOne(arena, { proxy: 'evenkeel', name: `evenkeel ${count}`, setup, core: undefined }));
      }
      const results: { work: string; rounds: Figures[][] }[] = [];
      for (const work of works) {
        const rounds: Figures[][] = [];
        for (const gateway of gateways) await measure(arena, gateway, work, 2);
        for (let round = 0; round < options.rounds; round++) {
          const row: Figures[] = [];
          for (const gateway of gateways) row.push(await measure(arena, gateway, work, options.seconds));
          rounds.push(row);
          const [one, two] = row as [Figures, Figures];
          say(`${work.name}, round ${round + 1}: ${one.rate.toFixed(0)}/s with one, ${two.rate.toFixed(0)}/s with two`);
        }
        results.push({ work: work.name, rounds });
        if (!options.json) print(work.name, rounds);
      }
      if (options.json) printJson('workers', args, results);
    }),
};

async function measure(arena: Arena, gateway: Running, work: Work, seconds: number): Promise<Figures> {
  const headers = Array.from({ length: work.headers }, (_, i) => `X-Sample-${i}: ${'abcdefgh'.repeat(4)}`);
  const url = `http://127.0.0.1:${gateway.port}${work.path}`;
  const before = cpuSeconds(gateway.pid);
  const threads = threadSeconds(gateway.pid);
  const result = await wrk(arena, { url, connections: CONNECTIONS, seconds, headers }, undefined);
  const used = cpuSeconds(gateway.pid) - before;
  const each = [...threadSeconds(gateway.pid)].map(([id, now]) => now - (threads.get(id) ?? 0));
  return {
    rate: result.requests / result.seconds,
    cpuMicros: (used / result.requests) * 1e6,
    busiest: Math.max(...each) / used,
    // What the gateway refuses itself is what was asked for.
    errors: work.path === '/' ? result.errors : 0,
  };
}

function print(title: string, rounds: readonly (readonly Figures[])[]): void {
  const of = (i: number, key: keyof Figures): number => median(rounds.map((round) => (round[i] as Figures)[key]));
  const ratio = (key: 'rate'): number =>
    median(rounds.map(([one, two]) => (two as Figures)[key] / (one as Figures)[key]));
  // Two cores' worth of CPU, spent as the busiest thread allows.
  const capacity = median(
    rounds.map(([one, two]) => {
      const [a, b] = [one as Figures, two as Figures];
      return (a.cpuMicros / b.cpuMicros) * (a.busiest / b.busiest);
    }),
  );
  printTable(
    title,
    [
      { title: '', cell: (name) => name },
      { title: 'requests/s', cell: (_, i) => of(i, 'rate').toFixed(0) },
      { title: 'CPU µs/request', cell: (_, i) => of(i, 'cpuMicros').toFixed(1) },
      { title: 'busiest thread', cell: (_, i) => `${(of(i, 'busiest') * 100).toFixed(0)} %` },
      { title: 'errors', cell: (_, i) => String(rounds.reduce((sum, round) => sum + (round[i] as Figures).errors, 0)) },
    ],
    ['one worker', 'two workers'],
  );
  console.log(
    `Two to one: throughput ${ratio('rate').toFixed(2)}, with load and backends on the same cores; capacity by CPU ${capacity.toFixed(2)}`,
  );
}
