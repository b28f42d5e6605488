// HAProxy as a contestant: one thread, connections to backends shared and kept.
// Knows its configuration language; nothing of load.

import type { Arena } from '../arena.ts';
import type { Backend, Contestant, ProxyKind, Setup } from './contestant.ts';

export const haproxy: ProxyKind = {
  program: 'haproxy',
  debian: 'haproxy',
  async make(setup: Setup, arena: Arena, name: string): Promise<Contestant> {
    const port = await arena.port();
    const file = arena.file(`${name}.cfg`, config(setup, port, arena, name));
    return { name, port, command: 'haproxy', args: ['-db', '-q', '-f', file] };
  },
};

function config(setup: Setup, port: number, arena: Arena, name: string): string {
  const { tls, routes = [] } = setup;
  let bind = `bind 127.0.0.1:${port}`;
  if (tls !== undefined) {
    const pem = arena.file(`${name}.pem`, tls.certPem + tls.keyPem);
    bind += ` ssl crt ${pem} alpn ${setup.http2 ? 'h2,' : ''}http/1.1`;
  } else if (setup.http2) bind += ' proto h2';
  const paths = arena.file(`${name}.map`, routes.map(({ path }, i) => `${path}/ many${i}`).join('\n'));
  return `global
  nbthread ${setup.workers ?? 1}
  maxconn ${setup.maxConnections ?? 4096}
  # It reckons with two files a client; idle ones need one.
  no strict-limits
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  timeout http-keep-alive 75s
  option forwardfor
  http-reuse always
frontend in
  ${bind}
${routes.length > 0 ? `  use_backend %[path,map_beg(${paths})] if { path,map_beg(${paths}) -m found }` : ''}
  default_backend web
${backend('web', setup.backends, setup)}
${routes.map(({ backends }, i) => backend(`many${i}`, backends, setup)).join('\n')}
`;
}

function backend(name: string, backends: readonly Backend[], setup: Setup): string {
  const options = [
    ...(setup.grpc ? ['proto h2'] : []),
    ...(setup.eject ? ['check inter 10s observe layer7 error-limit 5 on-error mark-down'] : []),
  ].join(' ');
  const servers = backends.map(({ address, port }, i) => `  server s${i} ${address}:${port} ${options}`);
  return `backend ${name}\n  balance ${setup.balance?.haproxy ?? 'leastconn'}\n${servers.join('\n')}`;
}
