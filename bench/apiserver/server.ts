// The API server under measurement, as people start it, and who may ask it everything.
// Knows the CLI and the kubeconfig; nothing of what is measured.

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClientConfig, loadKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import type { Arena } from '../lib/arena.ts';

const EVENKEEL = fileURLToPath(new URL('../../bin/evenkeel', import.meta.url));

export interface Server {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly config: ClientConfig;
  /** From its start until it answered, milliseconds. */
  readonly startMs: number;
}

/** Starts it on the data of before, when there is some. */
export async function startServer(arena: Arena, name: string): Promise<Server> {
  const data = join(arena.directory, name);
  const port = await arena.port();
  const begun = performance.now();
  const child = await arena.serve(EVENKEEL, ['apiserver', '--data', data, '--api-port', String(port)], port, {
    core: arena.proxyCore,
  });
  const config = await kubeconfig(join(data, 'kubeconfig'), port);
  return { child, pid: child.pid ?? 0, config, startMs: performance.now() - begun };
}

/** It is written once the server answers; until then the file may be that of an earlier start, at another port. */
async function kubeconfig(path: string, port: number): Promise<ClientConfig> {
  const until = performance.now() + 30_000;
  for (;;) {
    try {
      const config = loadKubeconfig(path);
      if (new URL(config.server).port === String(port)) return config;
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    if (performance.now() > until) throw new Error(`${path} names no server at port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
