// The HTTP/1.1 benchmark: small answers over connections that stay open.
// Knows the work; the proxies and the measuring are in ../lib.

import { SMALL_BODY, startBackends } from '../lib/backends/nginx.ts';
import { comparison } from '../lib/comparison.ts';
import { wrk } from '../lib/load/wrk.ts';

export const http1 = comparison(
  {
    name: 'http1',
    about: `GET with an answer of ${SMALL_BODY} bytes over keep-alive connections, plain HTTP/1.1.`,
    seconds: 5,
    rounds: 5,
    own: { connections: { default: 64, help: 'open at a time' } },
  },
  async (arena, options) => [
    {
      title: `Keep-alive GET, ${SMALL_BODY} bytes`,
      unit: 'request',
      proxies: ['evenkeel', 'haproxy', 'nginx', 'caddy', 'varnish', 'relay'],
      setup: { backends: await startBackends(arena, { count: 2 }) },
      load: ({ port }, seconds) =>
        wrk(arena, { url: `http://127.0.0.1:${port}/`, connections: options.number('connections'), seconds }),
    },
  ],
);
