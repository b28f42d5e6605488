// nginx as a contestant, and the skeleton of its configuration, which backends use as well.
// Knows its configuration language; nothing of load.

import type { Arena } from '../arena.ts';
import type { Backend, Contestant, ProxyKind, Setup } from './contestant.ts';

export const nginx: ProxyKind = {
  program: 'nginx',
  debian: 'nginx-light',
  async make(setup: Setup, arena: Arena, name: string): Promise<Contestant> {
    const port = await arena.port();
    const file = arena.file(
      `${name}.conf`,
      nginxConf(arena.directory, name, servers(setup, port, arena, name), setup.workers, setup.maxConnections),
    );
    return { name, port, command: 'nginx', args: ['-c', file, '-e', 'stderr'] };
  },
};

/** nginx in the foreground, everything it writes under `directory`. A worker needs two connections for each client. */
export function nginxConf(directory: string, name: string, http: string, workers = 1, connections = 4096): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${directory}/${name}-${kind};`)
    .join('\n');
  return `daemon off;
worker_processes ${workers};
pid ${directory}/${name}.pid;
error_log stderr crit;
events { worker_connections ${connections * 2}; }
http {
  access_log off;
  keepalive_requests 10000000;
  keepalive_timeout 75s;
  client_max_body_size 0;
${temp}
${http}
}
`;
}

function servers(setup: Setup, port: number, arena: Arena, name: string): string {
  const { tls, routes = [] } = setup;
  let listen = `listen 127.0.0.1:${port} backlog=1024`;
  let certificate = '';
  if (tls !== undefined) {
    listen += ' ssl';
    certificate = `
    ssl_certificate ${arena.file(`${name}-cert.pem`, tls.certPem)};
    ssl_certificate_key ${arena.file(`${name}-key.pem`, tls.keyPem)};
    ssl_protocols TLSv1.2 TLSv1.3;`;
  }
  if (setup.http2) listen += ' http2';
  const location = (path: string, upstream: string): string => `    location ${path} {
      ${setup.grpc ? `grpc_pass grpc://${upstream}` : `proxy_pass http://${upstream}`};
    }`;
  return `${upstream('web', setup.backends, setup)}
${routes.map(({ backends }, i) => upstream(`many${i}`, backends, setup)).join('\n')}
  server {
    ${listen};${certificate}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    grpc_set_header X-Forwarded-For $remote_addr;
    # Bodies go through as they come, without files between, as they do in the other contestants.
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    proxy_buffer_size 32k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 128k;
    client_body_buffer_size 64k;
    ${setup.eject ? 'proxy_next_upstream error timeout http_503 http_502;' : ''}
${location('/', 'web')}
${routes.map(({ path }, i) => location(`${path}/`, `many${i}`)).join('\n')}
  }`;
}

function upstream(name: string, backends: readonly Backend[], setup: Setup): string {
  const balance = setup.balance?.nginx ?? 'least_conn';
  const list = backends.map(
    ({ address, port }) => `    server ${address}:${port}${setup.eject ? ' max_fails=5 fail_timeout=30s' : ''};`,
  );
  return `  upstream ${name} {
    ${balance === 'round_robin' ? '' : `${balance};`}
${list.join('\n')}
    keepalive 256;
    keepalive_requests 100000000;
  }`;
}
