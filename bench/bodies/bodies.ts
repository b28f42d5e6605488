// The benchmark of bodies: 1 KB and 1 MB, down and up, over connections that stay open.
// Knows the work; the proxies and the measuring are in ../lib.

import type { Arena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import { comparison, type Work } from '../lib/comparison.ts';
import { wrk } from '../lib/load/wrk.ts';

const KB = 1024;
const MB = 1024 * 1024;

export const bodies = comparison(
  {
    name: 'bodies',
    about: 'Response and request bodies of 1 KB and 1 MB. Small ones over 64 connections, large ones over 16.',
    seconds: 4,
    rounds: 5,
    own: { work: { default: 'down,up', help: 'down, up, or both' } },
  },
  async (arena, options) => {
    const works: Work[] = [];
    const proxies = ['evenkeel', 'haproxy', 'nginx', 'caddy', 'varnish'] as const;
    const wanted = options.text('work').split(',');
    if (wanted.includes('down')) {
      const setup = { backends: await startBackends(arena, { count: 2, sizes: [KB, MB] }) };
      for (const size of [KB, MB]) {
        works.push({
          title: `GET, answer of ${named(size)}`,
          unit: 'request',
          proxies,
          setup,
          load: ({ port }, seconds) =>
            wrk(arena, { url: `http://127.0.0.1:${port}/${size}`, connections: connectionsFor(size), seconds }),
        });
      }
    }
    if (wanted.includes('up')) {
      const setup = { backends: await startBackends(arena, { count: 2, uploads: true }) };
      for (const size of [KB, MB]) {
        const script = postScript(arena, size);
        works.push({
          title: `POST of ${named(size)}`,
          unit: 'request',
          proxies,
          setup,
          load: ({ port }, seconds) =>
            wrk(arena, { url: `http://127.0.0.1:${port}/`, connections: connectionsFor(size), seconds, script }),
        });
      }
    }
    return works;
  },
);

function postScript(arena: Arena, size: number): string {
  return arena.file(`post-${size}.lua`, `wrk.method = "POST"\nwrk.body = string.rep("x", ${size})\n`);
}

function connectionsFor(size: number): number {
  return size === MB ? 16 : 64;
}

function named(size: number): string {
  return size === MB ? '1 MB' : '1 KB';
}
