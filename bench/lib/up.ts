// A cluster of `evenkeel up` for a benchmark: on ports and in a directory of its own, ended with everything in it.
// Knows the CLI as people do; nothing of what is measured.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '../../src/kube/client/client.ts';
import { loadKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import { createClient } from '../../src/kube/client/rest-client.ts';

export const EVENKEEL = fileURLToPath(new URL('../../bin/evenkeel', import.meta.url));
const PORTS = ['--api-port', '0', '--http-port', '0', '--https-port', '0', '--admin-port', '0'];
const LIMIT_MS = 180_000;

export interface Up {
  readonly data: string;
  readonly client: Client;
  /** `http://127.0.0.1:port` of the gateway. */
  readonly http: string;
}

/** Starts a cluster, hands it to `work`, and takes it down whatever comes of that. `input` is for a path of `-`. */
export async function inCluster<T>(args: readonly string[], input: string, work: (up: Up) => Promise<T>): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'evenkeel-bench-up-'));
  const child = spawn(EVENKEEL, ['up', ...args, '--data', data, ...PORTS], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin?.end(input);
  try {
    const output = await saying(child, 'export KUBECONFIG=');
    const [, http = ''] = /^Gateway {2}(\S+)/m.exec(output) ?? [];
    const client = createClient(loadKubeconfig(join(data, 'kubeconfig')));
    try {
      return await work({ data, client, http });
    } finally {
      await client.close();
    }
  } finally {
    child.kill('SIGINT');
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    spawnSync(EVENKEEL, ['down', '--data', data]);
    rmSync(data, { recursive: true, force: true });
  }
}

export async function until(what: string, holds: () => Promise<boolean>, everyMs = 100): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It took longer than ${LIMIT_MS / 1000} s until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Runs a program to its end; what it wrote to standard output. */
export function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(EVENKEEL, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

function saying(child: ChildProcess, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(words)) resolve(output);
    });
    child.once('exit', (code) => reject(new Error(`evenkeel up ended with ${code}\n${output}`)));
  });
}
