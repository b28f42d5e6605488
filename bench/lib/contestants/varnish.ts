// Varnish as a contestant where nothing may be cached: every request is passed on. It has a thread a connection.
// Knows its configuration language; nothing of load.

import type { Arena } from '../arena.ts';
import type { Contestant, ProxyKind, Setup } from './contestant.ts';

export const varnish: ProxyKind = {
  program: 'varnishd',
  debian: 'varnish',
  async make(setup: Setup, arena: Arena, name: string): Promise<Contestant> {
    const port = await arena.port();
    const file = arena.file(`${name}.vcl`, config(setup));
    return {
      name,
      port,
      command: 'varnishd',
      args: [
        ...['-F', '-j', 'none', '-n', `${arena.directory}/${name}`, '-a', `127.0.0.1:${port}`, '-f', file],
        ...['-s', 'default,16m', '-p', 'thread_pools=1', '-p', 'timeout_idle=75'],
      ],
    };
  },
};

function config({ backends }: Setup): string {
  const declared = backends.map(
    ({ address, port }, i) => `backend b${i} { .host = "${address}"; .port = "${port}"; .max_connections = 4096; }`,
  );
  return `vcl 4.1;
import directors;
${declared.join('\n')}
sub vcl_init {
  new web = directors.round_robin();
${backends.map((_, i) => `  web.add_backend(b${i});`).join('\n')}
}
sub vcl_recv {
  set req.backend_hint = web.backend();
  return (pass);
}
`;
}
