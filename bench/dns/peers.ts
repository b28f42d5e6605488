// DNS servers beside ours that Debian packages: how each is told of the same names, with one thread.
// Knows their configuration languages; nothing of load.

import type { Arena } from '../lib/arena.ts';
import { DOMAIN } from './names.ts';

export interface Peer {
  readonly name: string;
  /** What is looked for, and what Debian calls its package. */
  readonly program: string;
  readonly debian: string;
  /** Its arguments. `lines` are those of a zone file. */
  make(arena: Arena, port: number, lines: readonly string[]): string[];
}

const SOA = `${DOMAIN}. 5 IN SOA ns.dns.${DOMAIN}. hostmaster.${DOMAIN}. 1 7200 1800 86400 5`;

/** A resolver that has the names as local data, as node-local caches do. */
const unbound: Peer = {
  name: 'unbound',
  program: 'unbound',
  debian: 'unbound',
  make(arena, port, lines) {
    const data = [SOA, ...lines].map((line) => `  local-data: '${line}'`).join('\n');
    const file = arena.file(
      'unbound.conf',
      `server:
  interface: 127.0.0.1@${port}
  num-threads: 1
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${arena.directory}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  module-config: "iterator"
  local-zone: "${DOMAIN}." static
${data}
remote-control:
  control-enable: no
`,
    );
    return ['-d', '-p', '-c', file];
  },
};

/** A server of zones alone: answers are made ready when the zone is read. */
const knot: Peer = {
  name: 'knot',
  program: 'knotd',
  debian: 'knot',
  make(arena, port, lines) {
    arena.file('cluster.zone', [SOA, `${DOMAIN}. 5 IN NS ns.dns.${DOMAIN}.`, ...lines, ''].join('\n'));
    const file = arena.file(
      'knot.conf',
      `server:
    rundir: "${arena.directory}"
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: "${arena.directory}"
zone:
  - domain: ${DOMAIN}
    file: "${arena.directory}/cluster.zone"
    zonefile-load: whole
    journal-content: none
`,
    );
    return ['-c', file];
  },
};

export const peers: readonly Peer[] = [unbound, knot];
