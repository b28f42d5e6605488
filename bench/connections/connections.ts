// The benchmark of connections that carry one request each: accepting and closing are most of the work.
// Knows the work; the proxies and the measuring are in ../lib.

import { SMALL_BODY, startBackends } from '../lib/backends/nginx.ts';
import { comparison } from '../lib/comparison.ts';
import { wrk } from '../lib/load/wrk.ts';

export const connections = comparison(
  {
    name: 'connections',
    about: 'A new connection for each GET, which asks for it to be closed; connections to backends are kept.',
    seconds: 5,
    rounds: 5,
    own: { connections: { default: 32, help: 'open at a time' } },
  },
  async (arena, options) => [
    {
      title: `A connection for each GET, ${SMALL_BODY} bytes`,
      unit: 'connection',
      proxies: ['evenkeel', 'haproxy', 'nginx', 'caddy', 'varnish'],
      setup: { backends: await startBackends(arena, { count: 2 }) },
      load: ({ port }, seconds) =>
        wrk(arena, {
          url: `http://127.0.0.1:${port}/`,
          connections: options.number('connections'),
          seconds,
          headers: ['Connection: close'],
        }),
    },
  ],
);
