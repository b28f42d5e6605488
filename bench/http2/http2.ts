// The HTTP/2 benchmark: 100 streams at a time on each connection, over TLS and without; backends speak HTTP/1.1.
// Knows the work; the proxies and the measuring are in ../lib.

import { SMALL_BODY, startBackends } from '../lib/backends/nginx.ts';
import { benchCertificate } from '../lib/certificate.ts';
import { comparison, type Work } from '../lib/comparison.ts';
import { h2load } from '../lib/load/h2load.ts';
import { http2Hindrance } from '../lib/protocols.ts';

export const http2 = comparison(
  {
    name: 'http2',
    about: 'GETs over HTTP/2 with many streams at a time, from h2load; HTTP/1.1 to the backends.',
    seconds: 5,
    rounds: 5,
    own: {
      connections: { default: 8, help: 'open at a time' },
      streams: { default: 100, help: 'at a time on each' },
      work: { default: 'tls,cleartext', help: 'which parts' },
    },
  },
  async (arena, options) => {
    const backends = await startBackends(arena, { count: 2 });
    const certificate = await benchCertificate();
    return options
      .text('work')
      .split(',')
      .map((name): Work => {
        const secure = name === 'tls';
        return {
          title: `HTTP/2 ${secure ? 'over TLS' : 'by prior knowledge'}, ${options.number('streams')} streams, ${SMALL_BODY} bytes`,
          unit: 'request',
          proxies: ['evenkeel', 'haproxy', 'nginx', 'caddy'],
          setup: { backends, http2: true, ...(secure ? { tls: certificate } : {}) },
          hindrance: ({ port }) => http2Hindrance(port, secure),
          load: ({ port }, seconds) =>
            h2load(arena, {
              url: `${secure ? 'https' : 'http'}://127.0.0.1:${port}/`,
              connections: options.number('connections'),
              streams: options.number('streams'),
              seconds,
            }),
        };
      });
  },
);
