// The TLS benchmark: requests over connections that stay open, and full and resumed handshakes.
// Knows the work; the proxies and the measuring are in ../lib.

import { SMALL_BODY, startBackends } from '../lib/backends/nginx.ts';
import { benchCertificate } from '../lib/certificate.ts';
import { comparison, type Work } from '../lib/comparison.ts';
import { handshakes } from '../lib/load/handshakes.ts';
import { wrk } from '../lib/load/wrk.ts';

const CLIENTS = 16;

export const tls = comparison(
  {
    name: 'tls',
    about: 'HTTPS with an ECDSA P-256 certificate: keep-alive GETs, full handshakes, resumed handshakes (tickets).',
    seconds: 5,
    rounds: 5,
    own: {
      connections: { default: 64, help: 'of the keep-alive part' },
      work: { default: 'keep-alive,full,resumed', help: 'which parts' },
    },
  },
  async (arena, options) => {
    const setup = { backends: await startBackends(arena, { count: 2 }), tls: await benchCertificate() };
    const proxies = ['evenkeel', 'haproxy', 'nginx', 'caddy'] as const;
    const handshake = (resumed: boolean): Work => ({
      title: resumed ? 'Resumed TLS handshakes' : 'Full TLS handshakes',
      unit: 'handshake',
      proxies,
      setup,
      load: ({ port }, seconds) => handshakes(arena, { port, resumed, clients: CLIENTS, seconds }),
    });
    const works: Record<string, Work> = {
      'keep-alive': {
        title: `Keep-alive GET over TLS, ${SMALL_BODY} bytes`,
        unit: 'request',
        proxies,
        setup,
        load: ({ port }, seconds) =>
          wrk(arena, { url: `https://127.0.0.1:${port}/`, connections: options.number('connections'), seconds }),
      },
      full: handshake(false),
      resumed: handshake(true),
    };
    return options
      .text('work')
      .split(',')
      .flatMap((name) => works[name] ?? []);
  },
);
