// The benchmark of telemetry: the gateway as it is beside one that counts nothing, under the same load in the same run.
// Knows the work; what is taken out is in uncounted.ts.

import { inArena } from '../lib/arena.ts';
import { SMALL_BODY, startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { compare, printComparison } from '../lib/compare.ts';
import { startAll } from '../lib/contestants/index.ts';
import { wrk } from '../lib/load/wrk.ts';
import { printJson, speaker } from '../lib/report.ts';

export const telemetry: Benchmark = {
  usage: {
    name: 'telemetry',
    about: `What counting requests, latencies and outcomes costs: GET with an answer of ${SMALL_BODY} bytes, on and off.`,
    seconds: 4,
    rounds: 7,
    own: { connections: { default: 64, help: 'open at a time' } },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const backends = await startBackends(arena, { count: 2 });
      const contestants = await startAll(
        arena,
        [
          { name: 'counted', proxy: 'evenkeel', setup: { backends } },
          { name: 'uncounted', proxy: 'evenkeel', setup: { backends, uncounted: true } },
        ],
        options.only,
        say,
      );
      const result = await compare({
        title: `Keep-alive GET, ${SMALL_BODY} bytes, with telemetry and without`,
        unit: 'request',
        contestants,
        rounds: options.rounds,
        seconds: options.seconds,
        load: ({ port }, seconds) =>
          wrk(arena, { url: `http://127.0.0.1:${port}/`, connections: options.number('connections'), seconds }),
        say,
      });
      if (options.json) printJson('telemetry', args, result);
      else printComparison(result);
    }),
};
