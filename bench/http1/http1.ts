// The HTTP/1.1 benchmark: small answers over connections that stay open.
// Knows the work; the proxies and the measuring are in ../lib.

import { inArena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { compare, printComparison } from '../lib/compare.ts';
import { startAll } from '../lib/contestants/index.ts';
import { wrk } from '../lib/load/wrk.ts';
import { printJson, speaker } from '../lib/report.ts';

export const http1: Benchmark = {
  usage: {
    name: 'http1',
    about: 'GET with an answer of 128 bytes over keep-alive connections, plain HTTP/1.1.',
    seconds: 5,
    rounds: 5,
    own: { connections: { default: 64, help: 'open at a time' } },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const setup = { backends: await startBackends(arena, { count: 2 }) };
      const contestants = await startAll(
        arena,
        (['evenkeel', 'haproxy', 'nginx', 'caddy', 'varnish'] as const).map((proxy) => ({ proxy, setup })),
        options.only,
        say,
      );
      const comparison = await compare({
        title: 'Keep-alive GET, 128 bytes',
        unit: 'request',
        contestants,
        rounds: options.rounds,
        seconds: options.seconds,
        load: ({ port }, seconds) =>
          wrk(arena, { url: `http://127.0.0.1:${port}/`, connections: options.number('connections'), seconds }),
        say,
      });
      if (options.json) printJson('http1', args, comparison);
      else printComparison(comparison);
    }),
};
