// The backends of most benchmarks: nginx with bodies of fixed sizes, or our own responder where it is not installed.
// `/` answers with 128 bytes, `/<n>` with n, any POST is read to its end first. Knows nothing of proxies.

import { fileURLToPath } from 'node:url';
import type { Arena } from '../arena.ts';
import type { Backend } from '../contestants/contestant.ts';
import { nginxConf } from '../contestants/nginx.ts';
import { isInstalled, listening } from '../processes.ts';

export const SMALL_BODY = 128;

export interface BackendPlan {
  readonly count: number;
  /** Sizes that are served beside the small one. */
  readonly sizes?: readonly number[];
  /** Reads request bodies; nginx answers before it has read them, so our own responder serves. */
  readonly uploads?: boolean;
  /** Of the loopback network, all with the same ports; 127.0.0.1 when left out. */
  readonly addresses?: readonly string[];
}

export async function startBackends(arena: Arena, plan: BackendPlan): Promise<Backend[]> {
  const ports = await arena.ports(plan.count);
  const addresses = plan.addresses ?? ['127.0.0.1'];
  const sizes = plan.sizes ?? [];
  if (plan.uploads || !isInstalled('nginx')) {
    const script = fileURLToPath(new URL('./responder.ts', import.meta.url));
    arena.start(process.execPath, [script, addresses.join(','), ports.join(',')], { core: arena.loadCore });
  } else {
    for (const size of sizes) arena.file(String(size), 'x'.repeat(size), 0o644);
    const locations = sizes.map((size) => `location = /${size} { root ${arena.directory}; }`).join(' ');
    const listen = ports.flatMap((port) => addresses.map((address) => `listen ${address}:${port} backlog=1024;`));
    const server = `  sendfile on; tcp_nopush on;
  server { ${listen.join(' ')} ${locations} location / { return 200 "${'x'.repeat(SMALL_BODY)}"; } }`;
    const file = arena.file('backend.conf', nginxConf(arena.directory, 'backend', server));
    arena.start('nginx', ['-c', file, '-e', 'stderr'], { core: arena.loadCore });
  }
  for (const port of ports) await listening(port);
  return ports.flatMap((port) => addresses.map((address) => ({ address, port })));
}
