// The whole program, `evenkeel service-proxy`, with a cluster of many Services: its time and memory, and how long a
// change of a slice takes to be what packets meet. Run inside a namespace with: driver, number of Services, two addresses
// of a server. Prints one JSON object.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../lib/statistics.ts';
import { serveApi } from './api-server.ts';
import { ask } from './ask.ts';
import { clusterIp } from './cluster.ts';
import { inGroup, type MeasuredDriver } from './drivers.ts';

const [name = '', count = '', one = '', other = ''] = process.argv.slice(2);
/** The collector of the program gives memory back a few seconds after the start. */
const SETTLED_MS = 12_000;
const CHANGES = 9;
const MOST_ASKED = 5_000;
const OURS = 1;

interface Found {
  readonly ready: { readonly ms: number; readonly cpu: number };
  readonly peak: number;
  readonly settled: number;
  /** Milliseconds from the event of the watch to the first connection that obeys it; median. */
  readonly change: number;
}

async function measured(cgroup: string): Promise<Found> {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const api = await serveApi(Number(count), new Map([[OURS, one]]));
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(configOf(api.port)));
  const program = fileURLToPath(new URL('../../bin/evenkeel', import.meta.url));
  const node = ['--kubeconfig', kubeconfig, '--hostname-override', 'n1', '--cluster-cidr', '10.128.0.0/9'];
  const off = ['--healthz-bind-address', 'off', '--metrics-bind-address', 'off', '--mode', name];
  const group = cgroup === '' ? [] : ['--cgroup', cgroup];
  const began = performance.now();
  const child = spawn(program, ['service-proxy', ...node, ...off, ...group], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (text) => String(text).includes('Serving') && resolve());
      void ended.then((code) => reject(new Error(`evenkeel service-proxy ended with ${code}`)));
    });
    const ready = { ms: performance.now() - began, cpu: cpuOf(child.pid) };
    const peak = memoryOf(child.pid, 'VmHWM');
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const settled = memoryOf(child.pid, 'VmRSS');
    const changes: number[] = [];
    for (let at = 0; at < CHANGES; at++) {
      const wanted = at % 2 === 0 ? other : one;
      const changed = performance.now();
      api.changeSlice(OURS, [wanted]);
      await until(wanted);
      changes.push(performance.now() - changed);
    }
    return { ready, peak, settled, change: median(changes) };
  } finally {
    child.kill('SIGTERM');
    await ended;
    api.close();
    rmSync(directory, { recursive: true });
  }
}

async function until(wanted: string): Promise<void> {
  for (let asked = 0; asked < MOST_ASKED; asked++) {
    if ((await ask(clusterIp(OURS), 80)).address === wanted) return;
  }
  throw new Error(`The Service does not lead to ${wanted}`);
}

function configOf(port: number): object {
  const clusters = [{ name: 'bench', cluster: { server: `http://127.0.0.1:${port}` } }];
  const contexts = [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }];
  const users = [{ name: 'bench', user: {} }];
  return { apiVersion: 'v1', kind: 'Config', clusters, contexts, users, 'current-context': 'bench' };
}

/** MB. */
function memoryOf(pid: number | undefined, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
}

/** Milliseconds, in steps of ten. */
function cpuOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

console.log(JSON.stringify(await inGroup(name as MeasuredDriver, measured)));
