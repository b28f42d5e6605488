// Caddy as a contestant: Go on one processor, without its administration and without certificates of its own.
// Knows its configuration language; nothing of load.

import type { Arena } from '../arena.ts';
import type { Backend, Contestant, ProxyKind, Setup } from './contestant.ts';

export const caddy: ProxyKind = {
  program: 'caddy',
  debian: 'caddy',
  async make(setup: Setup, arena: Arena, name: string): Promise<Contestant> {
    const port = await arena.port();
    const file = arena.file(`${name}.caddyfile`, config(setup, port, arena, name));
    const home = { HOME: arena.directory, XDG_DATA_HOME: arena.directory, XDG_CONFIG_HOME: arena.directory };
    return {
      name,
      port,
      command: 'caddy',
      args: ['run', '--adapter', 'caddyfile', '--config', file],
      env: { ...home, GOMAXPROCS: String(setup.workers ?? 1) },
    };
  },
};

function config(setup: Setup, port: number, arena: Arena, name: string): string {
  const { tls, routes = [] } = setup;
  const certificate =
    tls === undefined
      ? ''
      : `tls ${arena.file(`${name}-cert.pem`, tls.certPem)} ${arena.file(`${name}-key.pem`, tls.keyPem)}`;
  return `{
  admin off
  auto_https off
  log {
    output discard
  }
  servers {
    protocols h1 ${setup.http2 ? (tls === undefined ? 'h2c' : 'h2') : ''}
  }
}
${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port} {
  bind 127.0.0.1
  ${certificate}
${routes.map(({ path, backends }) => `  handle ${path}/* {\n${reverseProxy(backends, setup)}\n  }`).join('\n')}
  handle {
${reverseProxy(setup.backends, setup)}
  }
}
`;
}

function reverseProxy(backends: readonly Backend[], setup: Setup): string {
  const scheme = setup.grpc ? 'h2c://' : '';
  return `    reverse_proxy ${backends.map(({ address, port }) => `${scheme}${address}:${port}`).join(' ')} {
      lb_policy least_conn
      transport http {
        keepalive_idle_conns_per_host 256
        ${setup.grpc ? 'versions h2c 2' : ''}
      }
    }`;
}
