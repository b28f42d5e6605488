// The benchmark of change: routes and endpoints that come and go ten times a second under load, beside a quiet time.
// Counts failed requests and reset connections, and compares p99. Knows how the engine is told; peers have no equal.

import type { LoadReport } from '#app/load/report.ts';
import { inArena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { startOne } from '../lib/contestants/index.ts';
import { openLoop } from '../lib/load/open-loop.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { Churn } from './changes.ts';

const BACKENDS = 8;
const TIMEOUT_MS = 5000;

export const churn: Benchmark = {
  usage: {
    name: 'churn',
    about:
      'Endpoints and routes change under open-loop load; a quiet time of the same length before. Two workers.\nAim: no failed request, no reset connection, p99 within 1.5 of quiet.',
    seconds: 60,
    rounds: 1,
    own: {
      rate: { default: 2000, help: 'requests a second' },
      changes: { default: 10, help: 'changes a second' },
    },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const backends = await startBackends(arena, { count: BACKENDS });
      const gateway = await startOne(arena, { proxy: 'evenkeel', setup: { backends, workers: 2 }, core: undefined });
      const { seconds } = options;
      const plan = {
        url: `http://127.0.0.1:${gateway.port}/shop/items`,
        rate: options.number('rate'),
        timeoutMs: TIMEOUT_MS,
      };
      await openLoop({ ...plan, seconds: 3 });
      const rows: { what: string; changes: number; report: LoadReport }[] = [];
      for (let round = 0; round < options.rounds; round++) {
        say(`Round ${round + 1}: ${seconds} s quiet, then ${seconds} s of change`);
        rows.push({ what: 'quiet', changes: 0, report: await openLoop({ ...plan, seconds }) });
        const changes = new Churn(gateway, backends, 1000 / options.number('changes'));
        const report = await openLoop({ ...plan, seconds });
        await changes.stop();
        rows.push({ what: 'changing', changes: changes.count, report });
      }
      if (options.json) printJson('churn', args, rows);
      else print(rows);
    }),
};

function print(rows: readonly { what: string; changes: number; report: LoadReport }[]): void {
  printTable(
    'Under change and quiet',
    [
      { title: '', cell: ({ what }) => what },
      { title: 'changes', cell: ({ changes }) => String(changes) },
      { title: 'requests', cell: ({ report }) => String(report.requests) },
      { title: 'failed', cell: ({ report }) => String(report.requests - report.ok) },
      { title: 'p50 ms', cell: ({ report }) => report.latencyMs.p50.toFixed(2) },
      { title: 'p99 ms', cell: ({ report }) => report.latencyMs.p99.toFixed(2) },
      { title: 'p99.9 ms', cell: ({ report }) => report.latencyMs.p999.toFixed(2) },
      {
        title: 'p99 to quiet',
        cell: ({ what, report }, i) =>
          what === 'quiet' ? '' : (report.latencyMs.p99 / (rows[i - 1]?.report.latencyMs.p99 ?? 0)).toFixed(2),
      },
      { title: 'failures', cell: ({ report }) => JSON.stringify(report.errors) },
    ],
    rows,
  );
}
