// The process runtime with real processes: starts, ends, signals, output, and a crash of its own process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { MappedImages } from '../image/mapped-images.ts';
import { runtimeContract } from '../runtime.contract.ts';
import { type ContainerSpec, ContainerStartError } from '../runtime.ts';
import { processStartTime } from './proc.ts';
import { ProcessRuntime } from './process-runtime.ts';
import { CONTAINER_ID_VARIABLE, ProcessRecords } from './records.ts';

let dir: string;
let runtime: ProcessRuntime;
const images = new MappedImages(() => ({}));

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-runtime-'));
  runtime = new ProcessRuntime({ dataDir: dir, images, keep: [], clock: systemClock, log: silentLogger });
});

afterEach(async () => {
  await runtime.sweep();
  rmSync(dir, { recursive: true, force: true });
});

const ROOT = {
  groups: [],
  groupsOfImage: true,
  privileged: false,
  capabilities: ['CHOWN', 'DAC_OVERRIDE', 'KILL', 'SETGID', 'SETUID'],
  noNewPrivileges: false,
  readOnlyRoot: false,
  unmaskedProc: false,
};

function spec(script: string, rest: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    podUid: 'uid',
    podName: 'pod',
    namespace: 'default',
    name: 'main',
    sandbox: { hostname: 'pod', podIps: [] },
    image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
    command: ['sh', '-c', script],
    workingDir: dir,
    env: { PATH: process.env.PATH ?? '', WORD: 'hello' },
    mounts: [],
    logPath: join(dir, 'logs', '0.log'),
    limits: { cpuShares: 2 },
    podLimits: { cpuShares: 2 },
    oomScoreAdj: 1000,
    security: ROOT,
    ...rest,
  };
}

const output = (): string[] =>
  readFileSync(join(dir, 'logs', '0.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').slice(1).join(' '));

test('output, working directory and environment are the container own', async () => {
  const container = await runtime.start(spec('echo $WORD; pwd; echo oops >&2; env | grep -c .; exit 4'));
  expect(await container.exited).toMatchObject({ exitCode: 4 });
  // PATH, WORD and the id; the shell itself adds PWD, and some shells more.
  const [hello, where, ...rest] = output().filter((line) => line.startsWith('stdout'));
  expect([hello, where]).toEqual(['stdout F hello', `stdout F ${dir}`]);
  expect(Number(rest[0]?.split(' ').at(-1))).toBeLessThan(8);
  expect(output()).toContain('stderr F oops');
});

test('what a plain process is started without is said: users, a read-only root, and limits without control groups', async () => {
  const security = { ...ROOT, user: 4321, group: 4321, readOnlyRoot: true };
  const limits = { cpuShares: 2, cpuMillis: 200, memoryBytes: 1 << 26 };
  const container = await runtime.start(spec('id -u', { security, limits }));
  await container.exited;
  expect(container.notes).toEqual([
    {
      reason: 'SecurityContextIgnored',
      message: expect.stringMatching(
        /^runAsUser, runAsGroup, readOnlyRootFilesystem of the securityContext have no effect.*--network netns/,
      ),
    },
    {
      reason: 'LimitNotEnforced',
      message: expect.stringMatching(
        /^The CPU limit of 200m is not enforced, and the memory limit is watched every half second.*run as root/,
      ),
    },
  ]);
  const plain = await runtime.start(spec('true'));
  await plain.exited;
  expect(plain.notes).toEqual([]);
});

test('output can be opened by name, as scripts and log settings do', async () => {
  const container = await runtime.start(spec('echo out > /dev/stdout; echo err > /dev/stderr; exit 3'));
  expect(await container.exited).toMatchObject({ exitCode: 3 });
  expect(output().toSorted()).toEqual(['stderr F err', 'stdout F out']);
});

test('words that no process can be given fail the start, not the node', async () => {
  const start = runtime.start(spec('', { command: ['sh', '-c', 'echo \0'] }));
  await expect(start).rejects.toThrow(ContainerStartError);
  expect(readdirSync(join(dir, 'processes'))).toEqual([]);
});

test('a process is found although its runtime was killed before it knew the pid', async () => {
  const records = new ProcessRecords(join(dir, 'processes'));
  records.announce('cut-short');
  const child = spawn('sleep', ['300'], { env: { ...process.env, [CONTAINER_ID_VARIABLE]: 'cut-short' } });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  expect([...records.sweep()]).toEqual([child.pid]);
  expect(await exited).toEqual([null, 'SIGKILL']);
});

test('a signal is reported as 128 and its number, and takes children with it', async () => {
  const container = await runtime.start(spec('sleep 300 & echo $!; wait'));
  await expect.poll(() => readFileSync(join(dir, 'logs', '0.log'), 'utf8')).toContain('stdout F');
  const child = Number(output()[0]?.split(' ').at(-1));
  expect(processStartTime(child)).toBeDefined();
  container.signal('SIGTERM');
  expect(await container.exited).toMatchObject({ exitCode: 143, signal: 15 });
  await expect.poll(() => processStartTime(child)).toBeUndefined();
});

test('a program that is missing, and a directory, are named', async () => {
  const missing = runtime.start(spec('', { command: ['no-such-program'] }));
  await expect(missing).rejects.toThrow(
    new ContainerStartError('exec: "no-such-program": executable file not found in $PATH'),
  );
  await expect(runtime.start(spec('', { workingDir: '/no/such' }))).rejects.toThrow(
    'working directory "/no/such" does not exist on this machine',
  );
});

test('exec runs beside the container, in its environment and directory', async () => {
  const container = await runtime.start(spec('sleep 300'));
  const result = await container.exec(['sh', '-c', 'echo $WORD; pwd; exit 3'], 5_000);
  expect(result).toEqual({ exitCode: 3, output: `hello\n${dir}\n`, timedOut: false });
  container.signal('SIGKILL');
  await container.exited;
});

test('what a killed runtime left behind is ended by the next', async () => {
  const here = pathToFileURL(join(import.meta.dirname, 'process-runtime.ts')).href;
  const lib = pathToFileURL(join(import.meta.dirname, '../../../lib')).href;
  const program = `
    import { ProcessRuntime } from '${here}';
    import { systemClock } from '${lib}/clock.ts';
    import { silentLogger } from '${lib}/log.ts';
    const runtime = new ProcessRuntime({ dataDir: ${JSON.stringify(dir)}, images: { ensure: () => Promise.reject(new Error('no image is asked for')) }, keep: [], clock: systemClock, log: silentLogger });
    await runtime.start(${JSON.stringify(spec("trap '' PIPE TERM; setsid sleep 300 & echo $$ $! >&2; echo $$ > pid; sleep 300"))});
    setInterval(() => {}, 1000);`;
  const host = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  const pidFile = (): string => {
    try {
      return readFileSync(join(dir, 'pid'), 'utf8');
    } catch {
      // Not written yet: asked again.
      return '';
    }
  };
  await expect.poll(pidFile, { timeout: 10_000 }).toMatch(/\d+\n/);
  const pid = Number(pidFile());
  host.kill('SIGKILL');
  await once(host, 'exit');
  expect(processStartTime(pid)).toBeDefined();
  const next = new ProcessRuntime({ dataDir: dir, images, keep: [], clock: systemClock, log: silentLogger });
  expect(await next.sweep()).toBeGreaterThanOrEqual(2);
  await expect.poll(() => processStartTime(pid)).toBeUndefined();
  expect(await next.sweep()).toBe(0);
});

test('a data directory that somebody removes meanwhile takes nothing else with it', async () => {
  const data = join(dir, 'removed');
  const own = new ProcessRuntime({ dataDir: data, images, keep: [], clock: systemClock, log: silentLogger });
  rmSync(data, { recursive: true });
  expect(await own.sweep()).toBe(0);
});

test('without control groups a container past its memory limit is ended all the same', async () => {
  // Bounded by itself, should nobody end it.
  const grow =
    'const all = []; const more = setInterval(() => all.push(Buffer.alloc(16 << 20, 1)), 50); setTimeout(() => clearInterval(more), 3000); setInterval(() => {}, 1000)';
  const command = ['sh', '-c', `${process.execPath} -e '${grow}'; exit 0`];
  const limits = { cpuShares: 2, memoryBytes: 128 << 20 };
  const container = await runtime.start(spec('', { command, limits }));
  expect(await container.stats()).toMatchObject({ cpuNanos: expect.any(Number), rssBytes: expect.any(Number) });
  expect(await container.exited).toMatchObject({ exitCode: 137, signal: 9, oomKilled: true });
  expect(await container.stats()).toBeUndefined();
}, 20_000);

describe('as any runtime', () => {
  runtimeContract(async (root) => ({
    runtime: new ProcessRuntime({ dataDir: root, images, keep: [], clock: systemClock, log: silentLogger }),
    image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
    workingDir: root,
    mounts: process.platform === 'linux' && process.getuid?.() === 0,
  }));
});
