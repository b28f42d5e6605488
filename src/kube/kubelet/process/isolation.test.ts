// Containers apart from the machine, on the real kernel: what they see, what they may do, how they end.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { openCgroups } from '../cgroup/open.ts';
import { MappedImages } from '../image/mapped-images.ts';
import { runtimeContract } from '../runtime.contract.ts';
import type { ContainerSpec, Isolation, RunningContainer, Security } from '../runtime.ts';
import { processStartTime } from './proc.ts';
import { ProcessRuntime } from './process-runtime.ts';

const ROOT: Security = {
  groups: [],
  groupsOfImage: true,
  privileged: false,
  capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'],
  noNewPrivileges: false,
  readOnlyRoot: false,
  unmaskedProc: false,
};

/** Not below /tmp, which a container has for itself. */
const base = mkdtempSync(join(homedir(), '.evenkeel-isolation-'));
const dataDir = join(base, 'kubelet');
mkdirSync(dataDir);
const clock = systemClock;
const cgroups = await openCgroups({ dataDir, nodeName: 'n1', clock });
const runtime = new ProcessRuntime({
  dataDir,
  hidden: [base],
  images: new MappedImages(() => ({})),
  keep: [process.execPath],
  cgroups,
  clock,
  log: silentLogger,
});

let starts = 0;
let logPath = '';

function spec(script: string, rest: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    podUid: 'uid',
    podName: 'pod',
    namespace: 'default',
    name: `c${starts}`,
    sandbox: { hostname: 'web-0', podIps: [], isolation: { pid: 'container', ipc: 'container', sysctls: {} } },
    image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
    command: ['sh', '-c', script],
    workingDir: '/',
    env: { PATH: process.env.PATH ?? '', WORD: 'hello', 'odd.name': 'kept' },
    mounts: [],
    logPath,
    limits: { cpuShares: 2 },
    podLimits: { cpuShares: 2 },
    oomScoreAdj: 1000,
    security: ROOT,
    ...rest,
  };
}

/** Lines of the current log, without time and tag. */
function output(): string[] {
  const lines = readFileSync(logPath, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split(' ').slice(3).join(' '));
}

async function run(script: string, rest: Partial<ContainerSpec> = {}): Promise<{ code: number; lines: string[] }> {
  rmSync(logPath, { force: true });
  const container = await runtime.start(spec(script, rest));
  const { exitCode } = await container.exited;
  return { code: exitCode, lines: output() };
}

/** A directory or file outside of what is hidden, as a volume. */
function volume(name: string, content?: string): string {
  const path = join(base, 'volumes', `${starts}-${name}`);
  mkdirSync(content === undefined ? path : join(path, '..'), { recursive: true });
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

const mount = (mountPath: string, source: string, readOnly = false) => ({ volume: 'v', source, mountPath, readOnly });

describe.runIf(kernelAllows(await runtime.isolationObstacle(), 'containers apart from the machine'))(
  'isolation',
  () => {
    beforeAll(() => {
      writeFileSync(join(base, 'ca.key'), 'secret');
    });
    beforeEach(() => {
      starts += 1;
      logPath = join(dataDir, 'pods', 'uid', 'logs', `c${starts}`, '0.log');
    });
    afterAll(async () => {
      await runtime.sweep();
      cgroups?.close();
      rmSync(base, { recursive: true, force: true });
    });

    test('a container has the machine programs, a root of its own to write to, and an empty /tmp', async () => {
      const marker = `/opt/evenkeel-test-${process.pid}`;
      // A program below /tmp must be found there: then /tmp is the machine's.
      const places = process.execPath.startsWith('/tmp/') ? '/run /run' : '/run /tmp';
      const script = `for dir in ${places}; do ls -A $dir | wc -l; done; echo x > ${marker} && cat ${marker}; ls -A /dev; exit 3`;
      const { code, lines } = await run(script);
      expect(code).toBe(3);
      expect(lines.slice(0, 3).map((line) => line.trim())).toEqual(['0', '0', 'x']);
      const devices = 'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero';
      expect(lines.slice(3).toSorted()).toEqual(devices.split(' '));
      expect(existsSync(marker)).toBe(false);
    });

    test('what the container wrote is gone at its next start, and from the disk', async () => {
      await run('echo x > /opt/left');
      expect((await run('ls /opt/left 2> /dev/null || echo fresh')).lines).toContain('fresh');
      const logs = join(logPath, '..');
      await eventually('the files of the start are removed', () => expect(readdirSync(logs)).toEqual(['0.log']));
    });

    test('keys and data of the cluster cannot be seen', async () => {
      const { lines } = await run(`ls -A ${base}; cat ${base}/ca.key; ls -A ${base} | wc -l`);
      expect(lines).toEqual([`cat: ${base}/ca.key: No such file or directory`, '0']);
    });

    test('volumes are where they are said to be', async () => {
      const dir = volume('dir');
      writeFileSync(join(dir, 'f'), 'dir');
      const file = volume('file', 'file');
      const mounts = [
        mount('/etc/app/deep', dir),
        mount('/etc/app/deep/f', file),
        mount('/tmp', dir),
        mount('/etc/passwd', file, true),
        mount("/brand new/it's", dir, true),
        mount('/dev/words', file),
        mount('/var', dir),
      ];
      const script = `cat /etc/app/deep/f /tmp/f /etc/passwd "/brand new/it's/f" /var/f; echo; echo y > /tmp/y
      echo z 2> /dev/null > "/brand new/it's/z" || echo ro; echo z 2> /dev/null > /etc/passwd || echo ro; printf last > /dev/words; ls /var`;
      const { lines } = await run(script, { mounts });
      expect(lines).toEqual(['filedirfiledirdir', 'ro', 'ro', 'f', 'y']);
      expect(readFileSync(file, 'utf8')).toBe('last');
      expect(readdirSync(dir).toSorted()).toEqual(['f', 'y']);
    });

    test('a file that is a link in the image is replaced, not followed', async () => {
      const target = `/run/evenkeel-${process.pid}/resolv.conf`;
      const links = volume('links');
      symlinkSync(target, join(links, 'resolv.conf'));
      const mounts = [mount('/etc/app', links), mount('/etc/app/resolv.conf', volume('own', 'nameserver 10.96.0.10'))];
      expect(
        (await run('cat /etc/app/resolv.conf; [ -L /etc/app/resolv.conf ] || echo file', { mounts })).lines,
      ).toEqual(['nameserver 10.96.0.10file']);
    });

    test('a read-only root can be written to in volumes only', async () => {
      const mounts = [mount('/data', volume('data'))];
      const script = 'for at in / /tmp /etc /data; do echo x 2> /dev/null > $at/x && echo $at; done; true';
      expect((await run(script, { mounts, security: { ...ROOT, readOnlyRoot: true } })).lines).toEqual(['/data']);
    });

    test('host name, processes and environment are the container own', async () => {
      const script =
        'hostname; echo $WORD; grep -ao odd.name=kept /proc/$$/environ; cat /proc/1/comm; ls /proc | grep -c "^[0-9]"; echo $HOME; cat /proc/self/cgroup';
      const { lines } = await run(script);
      expect(lines.slice(0, 4)).toEqual(['web-0', 'hello', 'odd.name=kept', 'sleep']);
      // The sleeping first one, the shell, and the two of the pipe that counts.
      expect(Number(lines[4])).toBeLessThanOrEqual(4);
      expect(lines[5]).toBe('/root');
      expect(hostname()).not.toBe('web-0');
    });

    test('user, groups and rights are those that were asked for', async () => {
      const who =
        'id -u; id -g; id -G; grep -E "CapEff|NoNewPrivs" /proc/self/status | cut -f 2; touch /etc/x 2> /dev/null || echo no';
      const security = { ...ROOT, user: 4711, group: 4712, groups: [5, 6], noNewPrivileges: true };
      expect((await run(who, { security })).lines).toEqual(['4711', '4712', '4712 5 6', '0000000000000000', '1', 'no']);
      const few = (await run(who, { security: { ...ROOT, capabilities: ['NET_BIND_SERVICE'] } })).lines;
      expect(few.slice(0, 5)).toEqual(['0', '0', '0', '0000000000000400', '0']);
      const start = run('true', { security: { ...ROOT, capabilities: ['FLY'] } });
      await expect(start).rejects.toThrow('unknown capability "CAP_FLY"');
    });

    test('another user than root reaches an image that lies where only root may pass', async () => {
      const image = mkdtempSync(join(homedir(), '.evenkeel-image-'));
      try {
        writeFileSync(join(image, 'run'), '#!/bin/sh\nid -u; cat "$0" | tail -n 1\n# the end\n', { mode: 0o755 });
        const command = [join(image, 'run')];
        expect((await run('', { command, security: { ...ROOT, user: 4711 } })).lines).toEqual(['4711', '# the end']);
        expect(statSync(image).mode & 0o777).toBe(0o700);
      } finally {
        rmSync(image, { recursive: true });
      }
    });

    test('an image below /tmp is found there, with what else is in /tmp', async () => {
      const image = mkdtempSync(join(tmpdir(), 'evenkeel-image-'));
      try {
        writeFileSync(join(image, 'run'), '#!/bin/sh\necho ran; echo x > /tmp/evenkeel-test-mark\n', { mode: 0o755 });
        expect((await run('', { command: [join(image, 'run')] })).lines).toEqual(['ran']);
        expect(existsSync('/tmp/evenkeel-test-mark')).toBe(false);
      } finally {
        rmSync(image, { recursive: true });
      }
    });

    test('a preloaded library is the program business, not that of the tools before it', async () => {
      const env = { PATH: '/usr/bin:/bin', LD_PRELOAD: '/no/such.so', IFS: 'x' };
      const { code, lines } = await run('echo "$LD_PRELOAD"; exit 4', { env });
      expect(code).toBe(4);
      // The loader complains once for the shell that is the program.
      expect(lines.filter((line) => line.includes('ERROR'))).toHaveLength(1);
      expect(lines).toContain('/no/such.so');
    });

    test('parameters of the kernel are not the container to change', async () => {
      expect((await run('echo 1 2> /dev/null > /proc/sys/vm/drop_caches || echo no')).lines).toEqual(['no']);
    });

    test.each([
      ['exit 143', { exitCode: 143 }],
      ['kill -TERM $$', { exitCode: 143, signal: 15 }],
      ['kill -KILL $$', { exitCode: 137, signal: 9 }],
    ])('%s is reported as it was', async (script, expected) => {
      const exit = await (await runtime.start(spec(script))).exited;
      expect(exit).toEqual({ ...expected, finishedAt: expect.any(Number) });
    });

    test.runIf(kernelAllows(cgroups?.memory ? undefined : 'no control groups may be used here', 'limits of memory'))(
      'a program past its memory limit is told from one that was killed',
      async () => {
        const grow = 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1))';
        const limits = { cpuShares: 2, memoryBytes: 64 << 20 };
        const eater = await runtime.start(spec('', { command: [process.execPath, '-e', grow], limits }));
        expect(await eater.exited).toMatchObject({ exitCode: 137, signal: 9, oomKilled: true });
        const killed = await runtime.start(spec('sleep 300', { limits }));
        killed.signal('SIGKILL');
        expect((await killed.exited).oomKilled).toBeUndefined();
      },
    );

    test('SIGTERM ends a program without a handler, and reaches the handler of one that has one', async () => {
      const plain = await runtime.start(spec('', { command: ['sleep', '300'] }));
      plain.signal('SIGTERM');
      expect(await plain.exited).toMatchObject({ exitCode: 143, signal: 15 });
      const handled = await runtime.start(spec("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"));
      await eventually('it is up', () => expect(output()).toContain('up'));
      handled.signal('SIGTERM');
      expect(await handled.exited).toMatchObject({ exitCode: 7 });
      expect(output()).toContain('bye');
    });

    test('when the first process ends, all end, and nothing is left of them', async () => {
      const container = await runtime.start(spec('setsid sleep 300 & setsid sleep 300 & exit 0'));
      await container.exited;
      const left = readdirSync('/proc').filter((pid) => {
        if (!/^\d+$/.test(pid) || processStartTime(Number(pid)) === undefined) return false;
        return environmentOf(pid).includes(`EVENKEEL_CONTAINER_ID=${container.id}`);
      });
      expect(left).toEqual([]);
    });

    test('orphans are cleared away while the container runs', async () => {
      const script =
        '(sh -c "sleep 0.01 & exit 0"); (sh -c "sleep 0.01 & exit 0"); sleep 0.3; grep -c "^State:.Z" /proc/[0-9]*/status | grep -c ":1$"';
      expect((await run(script)).lines).toEqual(['0']);
    });

    test.each([
      [['nope'], 'exec: "nope": executable file not found in $PATH'],
      [['/no/such'], 'exec: "/no/such": no such file or directory'],
      [['/etc/passwd'], 'exec: "/etc/passwd": permission denied'],
    ])('%j cannot be started, and the reason is said', async (command, message) => {
      await expect(runtime.start(spec('', { command }))).rejects.toThrow(message);
    });

    describe('commands beside the container', () => {
      let container: RunningContainer;
      beforeEach(async () => {
        const security = { ...ROOT, user: 4711, group: 4711 };
        container = await runtime.start(spec('sleep 300', { security, workingDir: '/srv/made for it' }));
      });

      test('are in its root, its names, its user, its environment and its directory', async () => {
        const result = await container.exec(['sh', '-c', 'hostname; pwd; id -u; echo $WORD; cat /proc/1/comm'], 5_000);
        expect(result).toEqual({
          exitCode: 0,
          output: 'web-0\n/srv/made for it\n4711\nhello\nsleep\n',
          timedOut: false,
        });
        expect(await container.exec(['nope'], 5_000)).toMatchObject({ exitCode: 127 });
        expect(await container.exec(['sleep', '60'], 50)).toMatchObject({ timedOut: true });
        container.signal('SIGKILL');
        expect(await container.exited).toMatchObject({ exitCode: 137 });
      });
    });
  },
);

describe.runIf(kernelAllows(await runtime.isolationObstacle(), 'the contract of runtimes, apart from the machine'))(
  'isolation keeps the contract',
  () => {
    const apart: Isolation[] = [
      { pid: 'container', ipc: 'container', sysctls: {} },
      { pid: 'pod', ipc: 'pod', sysctls: { 'kernel.shm_rmid_forced': '1' } },
      { pid: 'host', ipc: 'host', sysctls: {} },
    ];
    describe.each(apart)('pid $pid, ipc $ipc', (isolation) => {
      runtimeContract(async (dir) => ({
        runtime: new ProcessRuntime({
          dataDir: dir,
          images: new MappedImages(() => ({})),
          keep: [],
          // With control groups and without: one of the three has to do without them.
          ...(isolation.pid === 'host' ? {} : { cgroups: await openCgroups({ dataDir: dir, nodeName: 'n1', clock }) }),
          clock,
          log: silentLogger,
        }),
        image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
        workingDir: '/',
        isolation,
        rights: true,
        mounts: true,
      }));
    });
  },
);

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // It ended between the listing and the look.
    return '';
  }
}
