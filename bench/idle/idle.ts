// The benchmark of idle keep-alive connections: what each costs in memory, and all of them in CPU, doing nothing.
// Every connection has had one answer, as those of real clients. Knows the work; the proxies are in ../lib.

import { fileURLToPath } from 'node:url';
import { type Arena, inArena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import type { Running } from '../lib/contestants/contestant.ts';
import { type ProxyName, startAll } from '../lib/contestants/index.ts';
import { UsageError } from '../lib/options.ts';
import { cpuSeconds, memoryBytes, openFilesLimit } from '../lib/processes.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

interface Figures {
  readonly name: string;
  /** Bytes before the connections and with them. */
  readonly before: number;
  readonly after: number;
  readonly eachBytes: number;
  /** Percent of a core while nobody says anything. */
  readonly cpuPercent: number;
}

/** Files a process needs beside its connections. */
const SPARE_FILES = 500;

export const idle: Benchmark = {
  usage: {
    name: 'idle',
    about: 'Memory of keep-alive connections that have had one answer and idle, and the CPU they take.',
    seconds: 5,
    rounds: 3,
    own: { connections: { default: 10_000, help: 'idle at a time' } },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const count = options.number('connections');
      const limit = openFilesLimit();
      if (limit < count + SPARE_FILES)
        throw new UsageError(`${count} connections need "ulimit -n ${count + SPARE_FILES}" or more; it is ${limit}`);
      const setup = { backends: await startBackends(arena, { count: 2 }), maxConnections: count + SPARE_FILES };
      const proxies: readonly ProxyName[] = ['evenkeel', 'haproxy', 'nginx', 'caddy'];
      const rounds: Figures[][] = [];
      for (let round = 0; round < options.rounds; round++) {
        const contestants = await startAll(
          arena,
          proxies.map((proxy) => ({ proxy, setup })),
          options.only,
          round === 0 ? say : () => {},
        );
        const rows: Figures[] = [];
        for (const contestant of contestants) rows.push(await measure(arena, contestant, count, options.seconds));
        rounds.push(rows);
        say(
          `Round ${round + 1}: ${rows.map((row) => `${row.name} ${(row.eachBytes / 1024).toFixed(1)} KB`).join('  ')}`,
        );
        for (const { child } of contestants) await arena.stop(child);
      }
      if (options.json) printJson('idle', args, rounds);
      else print(rounds, count);
    }),
};

async function measure(arena: Arena, contestant: Running, count: number, seconds: number): Promise<Figures> {
  // Code that is compiled and pools that are filled by the first requests are no cost of idling.
  await hold(arena, contestant.port, 500, async () => {});
  const before = memoryBytes(contestant.pid);
  let after = 0;
  let used = 0;
  await hold(arena, contestant.port, count, async () => {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const cpu = cpuSeconds(contestant.pid);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    used = cpuSeconds(contestant.pid) - cpu;
    after = memoryBytes(contestant.pid);
  });
  const eachBytes = (after - before) / count;
  return { name: contestant.name, before, after, eachBytes, cpuPercent: (used / seconds) * 100 };
}

/** Keeps `count` connections open while `body` runs. */
async function hold(arena: Arena, port: number, count: number, body: () => Promise<void>): Promise<void> {
  const script = fileURLToPath(new URL('./holder.ts', import.meta.url));
  const child = arena.start(process.execPath, [script, String(port), String(count)], {
    core: arena.loadCore,
    ipc: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', (said: string) => (said === 'open' ? resolve() : reject(new Error(said))));
    child.once('exit', () => reject(new Error('The clients ended')));
  });
  await body();
  await arena.stop(child);
}

function print(rounds: readonly (readonly Figures[])[], count: number): void {
  const of = (i: number, key: Exclude<keyof Figures, 'name'>): number =>
    median(rounds.map((round) => (round[i] as Figures)[key]));
  const kb = (bytes: number): string => (bytes / 1024).toFixed(1);
  printTable(
    `${count} idle keep-alive connections`,
    [
      { title: '', cell: (row) => row.name },
      {
        title: 'KB each: median (rounds)',
        cell: (_, i) =>
          `${kb(of(i, 'eachBytes'))} (${rounds.map((round) => kb((round[i] as Figures).eachBytes)).join(', ')})`,
      },
      { title: 'MB before', cell: (_, i) => (of(i, 'before') / 2 ** 20).toFixed(0) },
      { title: 'MB with them', cell: (_, i) => (of(i, 'after') / 2 ** 20).toFixed(0) },
      { title: '% of a core', cell: (_, i) => of(i, 'cpuPercent').toFixed(1) },
    ],
    rounds[0] ?? [],
  );
}
