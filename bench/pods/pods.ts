// The benchmark of pods: how long many take to come up on a few nodes and to go again, and the memory of it all.
// Knows the CLI and the API as people do; nothing of how nodes are made.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtin } from '../../src/kube/api/resources.ts';
import type { Client } from '../../src/kube/client/client.ts';
import { loadKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import { createClient } from '../../src/kube/client/rest-client.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { pssKiB } from '../lib/processes.ts';
import { printJson, speaker } from '../lib/report.ts';

const EVENKEEL = fileURLToPath(new URL('../../bin/evenkeel', import.meta.url));
/** Ranges of its own, so that it can run beside a cluster. */
const RANGES = [
  ['--fabric-cidr', '10.220.0.0/24,fd00:10:220::/64'],
  ['--pod-cidr', '10.221.0.0/16,fd00:10:221::/48'],
  ['--service-cidr', '10.222.0.0/16,fd00:10:222::/112'],
].flat();
const PORTS = ['--api-port', '0', '--http-port', '0', '--https-port', '0', '--admin-port', '0'];
const DEPLOYMENTS = builtin('Deployment');
const LIMIT_MS = 180_000;
const MB = 1024 * 1024;

interface Status {
  readonly status?: { readonly readyReplicas?: number };
}

export const pods: Benchmark = {
  usage: {
    name: 'pods',
    about: 'Many echo pods on a few nodes with network namespaces: time up and down, and memory. Needs root.',
    seconds: 1,
    rounds: 1,
    own: { pods: { default: 150, help: 'at a time' }, nodes: { default: 3, help: 'of the cluster' } },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const count = options.number('pods');
    const data = mkdtempSync(join(tmpdir(), 'evenkeel-bench-pods-'));
    const up = spawn(
      EVENKEEL,
      ['up', '--network', 'netns', '--nodes', String(options.number('nodes')), '--data', data, ...RANGES, ...PORTS],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      const began = performance.now();
      await saying(up, 'export KUBECONFIG=');
      const started = (performance.now() - began) / 1000;
      const client = createClient(loadKubeconfig(join(data, 'kubeconfig')));
      const empty = memory(up.pid ?? 0, 'nothing') / MB;
      const upSeconds = await bring(client, count);
      const full = memory(up.pid ?? 0, 'nothing') / MB;
      const own = memory(up.pid ?? 0, 'pods') / MB;
      const downSeconds = await take(client);
      await client.close();
      const results = { pods: count, started, empty, upSeconds, full, own, eachMb: (full - own) / count, downSeconds };
      if (options.json) printJson('pods', args, results);
      say(`Cluster ready after ${started.toFixed(1)} s with ${empty.toFixed(0)} MB`);
      say(`${count} pods Ready after ${upSeconds.toFixed(1)} s, gone after ${downSeconds.toFixed(1)} s`);
      say(
        `Memory with them ${full.toFixed(0)} MB: ${own.toFixed(0)} MB the cluster itself, ${results.eachMb.toFixed(1)} MB a pod`,
      );
    } finally {
      up.kill('SIGINT');
      if (up.exitCode === null) await new Promise((resolve) => up.once('exit', resolve));
      spawnSync(EVENKEEL, ['down', '--data', data]);
      rmSync(data, { recursive: true, force: true });
    }
  },
};

function saying(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(words)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`evenkeel up ended with ${code}\n${output}`)));
  });
}

async function bring(client: Client, replicas: number): Promise<number> {
  const labels = { app: 'many' };
  const container = {
    name: 'echo',
    image: 'evenkeel.dev/echo',
    readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 },
  };
  const began = performance.now();
  await client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'many', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 5, containers: [container] } },
    },
  } as never);
  await until(`${replicas} pods are Ready`, async () => {
    const { status } = (await client.get(DEPLOYMENTS, 'many', 'default')) as Status;
    return status?.readyReplicas === replicas;
  });
  return (performance.now() - began) / 1000;
}

async function take(client: Client): Promise<number> {
  const began = performance.now();
  await client.patch(DEPLOYMENTS, 'many', 'default', 'merge', { spec: { replicas: 0 } }, { subresource: 'scale' });
  await until('all pods are gone', async () => {
    const { items } = await client.list(builtin('Pod'), { namespace: 'default' });
    return items.length === 0;
  });
  return (performance.now() - began) / 1000;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It took longer than ${LIMIT_MS / 1000} s until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Text of a file below /proc; empty for a process that has ended meanwhile. */
function procText(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

/** Proportional set size of a process and all below it, in bytes; `without` leaves out what runs in pods. */
function memory(pid: number, without: 'nothing' | 'pods'): number {
  if (without === 'pods' && procText(`${pid}/cmdline`).includes('echo/main.mjs')) return 0;
  const children = procText(`${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  const own = pssKiB(procText(`${pid}/smaps_rollup`)) * 1024;
  return children.reduce((sum, child) => sum + memory(child, without), own);
}
