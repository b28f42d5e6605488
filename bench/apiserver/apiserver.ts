// The benchmark of the API server: events, writes, lists, watchers, memory and start, of `evenkeel apiserver` itself.
// Beside each stands what the same work costs a server that does nothing else, taken in the same run.

import { type Arena, inArena } from '../lib/arena.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import type { Options } from '../lib/options.ts';
import { cpuSeconds, memoryBytes } from '../lib/processes.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import {
  echoes,
  events,
  fill,
  firstAnswer,
  type Listing,
  lists,
  type Watchers,
  type Writes,
  watchers,
  writes,
} from './measures.ts';
import { bareServer, type Commits, commitsOfSqlite } from './peers.ts';
import { type Server, startServer } from './server.ts';

const MB = 1e6;
const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

type Part = (run: Run) => Promise<unknown>;

interface Run {
  readonly arena: Arena;
  readonly server: Server;
  readonly options: Options;
  readonly say: (line: string) => void;
}

const parts: Readonly<Record<string, Part>> = {
  async events({ arena, server, options, say }) {
    const count = 1_000 * options.rounds;
    const found = await events(server, count);
    const bare = await bareServer(arena);
    const echo = await echoes(bare, count);
    await arena.stop(bare.child);
    const commitMs = 1_000 / commitsOfSqlite(arena, count, 1).perSecond;
    say(
      `Create to watch event: median ${ms(found.event.medianMs)} ms, p99 ${ms(found.event.p99Ms)} ms; its answer: median ${ms(found.answer.medianMs)} ms`,
    );
    say(
      `Of that an echo alone takes ${ms(echo.medianMs)} ms (median), and a commit of SQLite ${ms(commitMs)} ms (mean)`,
    );
    return { ...found, echo, commitMs };
  },

  async writes({ arena, server, options, say }) {
    const rows: (Writes & { clients: number; peer: Writes; disk: Commits })[] = [];
    const bare = await bareServer(arena);
    for (const clients of [1, 16, 64, 256]) {
      const count = 2_000 * options.rounds;
      const found = await writes(server, count, clients, `w${clients}`);
      const peer = await writes(bare, count, clients, `w${clients}`);
      rows.push({ clients, ...found, peer, disk: commitsOfSqlite(arena, count, clients) });
      say(`${clients} clients: ${found.perSecond.toFixed(0)} durable writes a second`);
    }
    await arena.stop(bare.child);
    if (!options.json)
      printTable(
        'Creates of 1 kB: acknowledged means that it is on disk',
        [
          { title: 'clients', cell: (row) => String(row.clients) },
          { title: 'a second', cell: (row) => row.perSecond.toFixed(0) },
          { title: 'p99 ms', cell: (row) => ms(row.p99Ms) },
          { title: 'CPU µs', cell: (row) => row.cpuMicros.toFixed(0) },
          { title: 'bare server', cell: (row) => row.peer.perSecond.toFixed(0) },
          { title: 'its CPU µs', cell: (row) => row.peer.cpuMicros.toFixed(0) },
          { title: 'SQLite alone', cell: (row) => row.disk.perSecond.toFixed(0) },
        ],
        rows,
      );
    return rows;
  },

  async lists({ arena, server, options, say }) {
    const pods = options.number('pods');
    const before = memoryBytes(server.pid);
    const seconds = await fill(server, pods);
    const memory = memoryBytes(server.pid);
    const bare = await bareServer(arena);
    const rows = await lists(server, bare, 4 * options.rounds);
    say(`${pods} pods, created and reported: ${seconds.toFixed(1)} s, ${((memory - before) / MB).toFixed(0)} MB more`);
    say(`Once they were listed in all forms: ${((memoryBytes(server.pid) - before) / MB).toFixed(0)} MB more`);
    if (!options.json) printLists(rows);
    await arena.stop(server.child);
    const again = await startServer(arena, 'api');
    const firstMs = await firstAnswer(again);
    const start = { ms: again.startMs, firstMs, cpuMs: cpuSeconds(again.pid) * 1000, memory: memoryBytes(again.pid) };
    say(
      `Started with them: answers after ${ms(start.ms)} ms, the first pod ${ms(firstMs)} ms later (${ms(start.cpuMs)} ms of CPU), ${(start.memory / MB).toFixed(0)} MB`,
    );
    await arena.stop(bare.child);
    await arena.stop(again.child);
    return { pods, seconds, before, memory, rows, start };
  },

  async watchers({ server, options, say }) {
    const rows: Watchers[] = [];
    for (const connections of [100, 1_000]) {
      say(`${options.number('watchers')} watches over ${connections} connections`);
      rows.push(await watchers(server, options.number('watchers'), connections, 5 * options.rounds));
    }
    if (!options.json) printWatchers(rows);
    return rows;
  },
};

export const apiserver: Benchmark = {
  usage: {
    name: 'apiserver',
    about:
      'The API server: create to watch event, durable writes, lists of many pods, many watchers, memory and start.\nAims: 1 ms, 2,000 a second, 150 ms for 10,000 pods, 10,000 watchers of which none misses an event.',
    seconds: 1,
    rounds: 2,
    own: {
      pods: { default: 10_000, help: 'that are listed' },
      watchers: { default: 10_000, help: 'of one kind' },
    },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const results: Record<string, unknown> = {};
    for (const [name, part] of Object.entries(parts)) {
      if (options.only.length > 0 && !options.only.includes(name)) continue;
      // Each with a server of its own: nothing is measured on what another part has left.
      results[name] = await inArena(async (arena) =>
        part({ arena, server: await startServer(arena, 'api'), options, say }),
      );
    }
    if (options.json) printJson('apiserver', args, results);
  },
};

function printLists(rows: readonly Listing[]): void {
  printTable(
    'Lists of all pods',
    [
      { title: 'form', cell: (row) => row.form },
      { title: 'MB', cell: (row) => (row.bytes / MB).toFixed(1) },
      { title: 'first ms', cell: (row) => ms(row.firstMs) },
      { title: 'median ms', cell: (row) => ms(row.medianMs) },
      { title: 'worst ms', cell: (row) => ms(row.worstMs) },
      { title: 'CPU ms', cell: (row) => ms(row.cpuMs) },
      { title: 'bare server', cell: (row) => `${ms(row.bareMs)} (${(row.medianMs / row.bareMs).toFixed(2)})` },
      { title: 'its CPU', cell: (row) => ms(row.bareCpuMs) },
    ],
    rows,
  );
}

function printWatchers(rows: readonly Watchers[]): void {
  printTable(
    'Watches of one kind',
    [
      { title: 'watches', cell: (row) => String(row.watchers) },
      { title: 'connections', cell: (row) => String(row.connections) },
      { title: 'kB each', cell: (row) => (row.bytesEach / 1000).toFixed(1) },
      { title: 'all told ms', cell: (row) => ms(row.fanOut.medianMs) },
      { title: 'worst ms', cell: (row) => ms(row.fanOut.p99Ms) },
      { title: 'CPU µs each', cell: (row) => row.cpuMicrosEach.toFixed(1) },
      { title: 'missed', cell: (row) => String(row.missed) },
    ],
    rows,
  );
}
