// The soak: minutes of load, connections that come and go, and changes, with an eye on memory.
// Says what memory was in the first and in the last third, and by how much it grows a minute.

import { Churn } from '../churn/changes.ts';
import { inArena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { startOne } from '../lib/contestants/index.ts';
import { openLoop } from '../lib/load/open-loop.ts';
import { memoryBytes } from '../lib/processes.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { ShortLived } from './short-lived.ts';
import { trend } from './trend.ts';

const BACKENDS = 8;
const SAMPLE_MS = 1000;
const SHORT_LIVED_EVERY_MS = 5;
/** Seconds before memory counts: code is compiled, pools fill, the heap finds its size. */
const WARMUP = 20;

export const soak: Benchmark = {
  usage: {
    name: 'soak',
    about: 'Memory under load, new connections and ten changes a second, for minutes. Aim: flat.',
    seconds: 300,
    rounds: 1,
    own: { rate: { default: 1500, help: 'requests a second over kept connections' } },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const backends = await startBackends(arena, { count: BACKENDS });
      const gateway = await startOne(arena, { proxy: 'evenkeel', setup: { backends, workers: 2 }, core: undefined });
      const url = `http://127.0.0.1:${gateway.port}/shop/items`;
      const changes = new Churn(gateway, backends, 100);
      const samples: [seconds: number, bytes: number][] = [];
      const begun = performance.now();
      const timer = setInterval(() => {
        const at = (performance.now() - begun) / 1000;
        if (at >= WARMUP) samples.push([at, memoryBytes(gateway.pid)]);
      }, SAMPLE_MS);
      const seconds = options.seconds * options.rounds + WARMUP;
      say(`${seconds} s of load and change, of which the first ${WARMUP} do not count`);
      const kept = openLoop({ url, rate: options.number('rate'), seconds, timeoutMs: 5000 });
      const short = new ShortLived(gateway.port, SHORT_LIVED_EVERY_MS);
      const report = await kept;
      await short.stop();
      clearInterval(timer);
      await changes.stop();
      const row = {
        ...trend(samples),
        changes: changes.count,
        connections: short.count,
        requests: report.requests + short.count,
        failures: { ...report.errors, ...short.failures },
      };
      if (options.json) printJson('soak', args, { ...row, samples });
      else print(row);
    }),
};

function print(
  row: ReturnType<typeof trend> & {
    changes: number;
    requests: number;
    connections: number;
    failures: Readonly<Record<string, number>>;
  },
): void {
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  printTable(
    'Soak',
    [
      { title: 'MB, first third', cell: () => mb(row.first) },
      { title: 'last third', cell: () => mb(row.last) },
      { title: 'last to first', cell: () => (row.last / row.first).toFixed(3) },
      { title: 'KB a minute', cell: () => (row.bytesPerSecond * (60 / 1024)).toFixed(0) },
      { title: 'changes', cell: () => String(row.changes) },
      { title: 'connections', cell: () => String(row.connections) },
      { title: 'requests', cell: () => String(row.requests) },
      { title: 'failures', cell: () => JSON.stringify(row.failures) },
    ],
    [row],
  );
}
