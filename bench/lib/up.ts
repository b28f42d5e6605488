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
  readonly pid: number;
  /** Where debuggers are served; empty unless `inspect` asked for it. */
  readonly inspector: string;
}

export interface UpSettings {
  /** Serve debuggers, who can look into the heaps of its threads. */
  readonly inspect?: boolean;
}

/** Starts a cluster, hands it to `work`, and takes it down whatever comes of that. `input` is for a path of `-`. */
export async function inCluster<T>(
  args: readonly string[],
  input: string,
  work: (up: Up) => Promise<T>,
  { inspect = false }: UpSettings = {},
): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'evenkeel-bench-up-'));
  const child = spawn(EVENKEEL, ['up', ...args, '--data', data, ...PORTS], {
    stdio: ['pipe', 'pipe', inspect ? 'pipe' : 'inherit'],
    ...(inspect ? { env: { ...process.env, NODE_OPTIONS: '--inspect=127.0.0.1:0' } } : {}),
  });
  child.stdin?.end(input);
  const inspector = inspect ? inspectorOf(child) : '';
  try {
    const output = await saying(child, 'export KUBECONFIG=');
    const [, http = ''] = /^Gateway {2}(\S+)/m.exec(output) ?? [];
    const client = createClient(loadKubeconfig(join(data, 'kubeconfig')));
    try {
      return await work({ data, client, http, pid: child.pid ?? 0, inspector: await inspector });
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

const DEBUGGER_NOTES = /^(Debugger |For help, see: )/;

/** What Node.js writes to standard error about it; the rest of that goes to ours. */
function inspectorOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n')) {
        const [, url] = /^Debugger listening on (ws:\S+)/.exec(line) ?? [];
        if (url !== undefined) resolve(url);
        if (line !== '' && !DEBUGGER_NOTES.test(line)) process.stderr.write(`${line}\n`);
      }
    });
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
