// A runtime that was killed in the middle of its work: what the next one finds, and that nothing stays.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { openCgroups } from '../cgroup/open.ts';
import { MappedImages } from '../image/mapped-images.ts';
import { ProcessRuntime } from './process-runtime.ts';

const dir = mkdtempSync(join(tmpdir(), 'evenkeel-crash-'));
const clock = systemClock;

async function open(): Promise<{ runtime: ProcessRuntime; close: () => void }> {
  const cgroups = await openCgroups({ dataDir: dir, nodeName: 'n1', clock });
  const runtime = new ProcessRuntime({
    dataDir: dir,
    images: new MappedImages(() => ({})),
    keep: [],
    cgroups,
    clock,
    log: silentLogger,
  });
  return { runtime, close: () => cgroups?.close() };
}

async function sweep(): Promise<void> {
  const { runtime, close } = await open();
  await runtime.sweep();
  close();
}

/** All that a container leaves in the kernel, by what says whose it is. */
function traces(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const processes = pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('EVENKEEL_CRASH_TEST=1');
    } catch {
      // Ended meanwhile.
      return false;
    }
  });
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dir));
  const groups = existsSync(join(dir, 'cgroups.json'))
    ? Object.values((JSON.parse(readFileSync(join(dir, 'cgroups.json'), 'utf8')) as { dirs: object }).dirs)
    : [];
  const id = readdirSync('/dev/shm').filter((name) => name.startsWith('evenkeel-') && name.endsWith('crash-pod'));
  return [...processes, ...mounts, ...groups.flatMap((base) => groupsBelow(String(base))), ...id];
}

function groupsBelow(base: string): string[] {
  return readdirSync(base).filter(
    (name) => name.startsWith('evenkeel-') && existsSync(join(base, name, 'n1', 'podcrash-pod')),
  );
}

const probe = await open();
const obstacle = await probe.runtime.isolationObstacle();
// The groups are somebody else's now.
probe.close();
describe.runIf(kernelAllows(obstacle, 'what a crash leaves'))('after kill -9', () => {
  afterAll(async () => {
    await sweep();
    rmSync(dir, { recursive: true, force: true });
  });

  test('the next sweep leaves no process, no mount, no control group and no shared memory', async () => {
    const url = (name: string): string => pathToFileURL(join(import.meta.dirname, name)).href;
    const isolation = { pid: 'pod', ipc: 'pod', sysctls: {} };
    const spec = {
      podUid: 'crash-pod',
      podName: 'pod',
      namespace: 'default',
      sandbox: { hostname: 'pod', podIps: [], isolation },
      image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
      command: ['sh', '-c', "trap '' TERM; setsid env -i EVENKEEL_CRASH_TEST=1 sleep 300 & sleep 300"],
      workingDir: '/',
      env: { PATH: process.env.PATH, EVENKEEL_CRASH_TEST: '1' },
      mounts: [{ volume: 'v', source: join(dir, 'volume'), mountPath: '/data', readOnly: false }],
      limits: { cpuShares: 2 },
      podLimits: { cpuShares: 2 },
      oomScoreAdj: 0,
      security: {
        groups: [],
        groupsOfImage: true,
        privileged: false,
        capabilities: [],
        noNewPrivileges: false,
        readOnlyRoot: false,
        unmaskedProc: false,
      },
    };
    const program = `
      import { ProcessRuntime } from '${url('process-runtime.ts')}';
      import { openCgroups } from '${url('../cgroup/open.ts')}';
      import { systemClock as clock } from '${url('../../../lib/clock.ts')}';
      import { silentLogger as log } from '${url('../../../lib/log.ts')}';
      setInterval(() => {}, 1000);
      const dataDir = ${JSON.stringify(dir)};
      const cgroups = await openCgroups({ dataDir, nodeName: 'n1', clock });
      const runtime = new ProcessRuntime({ dataDir, images: {}, keep: [], cgroups, clock, log });
      const spec = ${JSON.stringify(spec)};
      const isolations = [spec.sandbox.isolation, { pid: 'container', ipc: 'pod', sysctls: {} }];
      for (const [index, isolation] of isolations.entries()) {
        const sandbox = { ...spec.sandbox, isolation };
        await runtime.start({ ...spec, sandbox, name: 'c' + index, logPath: dataDir + '/logs/' + index + '/0.log' });
      }
      console.log('up');`;
    const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(host.stdout, 'data');
    // Two shells with two sleepers each, what started them, and the pod's own.
    await eventually('all of it runs', () => expect(traces().length).toBeGreaterThanOrEqual(8));
    host.kill('SIGKILL');
    await once(host, 'exit');
    expect(traces().length).toBeGreaterThanOrEqual(8);

    await sweep();
    await eventually('nothing is left', () => expect(traces()).toEqual([]));
    expect(readdirSync(join(dir, 'processes'))).toEqual([]);
  });
});
