// The proxies of the HTTP/1.1 benchmark, each set up to do the same work with one thread.
// Knows how each is configured; nothing of load or measuring.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled } from './processes.ts';

export interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
}

export interface Ground {
  readonly directory: string;
  readonly backendPorts: readonly number[];
  /** The first of the ports the proxies take, one each. */
  readonly firstPort: number;
}

/** Those that are installed; the names of the others are in `missing`. */
export function contestants(ground: Ground): { readonly found: Contestant[]; readonly missing: string[] } {
  const found = [evenkeel(ground)];
  const missing: string[] = [];
  if (isInstalled('haproxy')) found.push(haproxy(ground));
  else missing.push('haproxy');
  if (isInstalled('nginx')) found.push(nginx(ground));
  else missing.push('nginx');
  return { found, missing };
}

function evenkeel(ground: Ground): Contestant {
  const port = ground.firstPort;
  const script = fileURLToPath(new URL('./gateway.ts', import.meta.url));
  return {
    name: 'evenkeel',
    port,
    command: process.execPath,
    args: [script, String(port), ...ground.backendPorts.map(String)],
  };
}

function haproxy(ground: Ground): Contestant {
  const port = ground.firstPort + 1;
  const file = join(ground.directory, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  default_backend web
backend web
  balance leastconn
${ground.backendPorts.map((backend, i) => `  server s${i} 127.0.0.1:${backend}`).join('\n')}
`,
  );
  return { name: 'haproxy', port, command: 'haproxy', args: ['-db', '-q', '-f', file] };
}

function nginx(ground: Ground): Contestant {
  const port = ground.firstPort + 2;
  const file = join(ground.directory, 'nginx-proxy.conf');
  writeFileSync(
    file,
    nginxConf(
      ground.directory,
      'proxy',
      `  upstream web {
    least_conn;
${ground.backendPorts.map((backend) => `    server 127.0.0.1:${backend};`).join('\n')}
    keepalive 128;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }`,
    ),
  );
  return { name: 'nginx', port, command: 'nginx', args: ['-c', file, '-e', 'stderr'] };
}

/** nginx in the foreground, one worker, everything it writes under `directory`. */
export function nginxConf(directory: string, name: string, http: string): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${directory}/${name}-${kind};`)
    .join('\n');
  return `daemon off;
worker_processes 1;
pid ${directory}/${name}.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 10000000;
${temp}
${http}
}
`;
}
