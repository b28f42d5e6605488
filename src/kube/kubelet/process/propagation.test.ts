// Mounts below a volume, made by the node or by a container: who sees them, and that none outlives its pod.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { MappedImages } from '../image/mapped-images.ts';
import type { ContainerSpec, Mount, RunningContainer } from '../runtime.ts';
import { mountLines } from './mountinfo.ts';
import { ProcessRuntime } from './process-runtime.ts';

/** Not below /tmp, which a container has for itself. */
const base = mkdtempSync(join(homedir(), '.evenkeel-propagation-'));
const dataDir = join(base, 'kubelet');
const shared = join(base, 'shared');
const alone = join(base, 'alone');
for (const dir of [dataDir, shared, alone, join(shared, 'deep')]) mkdirSync(dir);

const options = { dataDir, keep: [], clock: systemClock, log: silentLogger };
const open = (): ProcessRuntime => new ProcessRuntime({ ...options, images: new MappedImages(() => ({})) });
const runtime = open();
const sh = (script: string): string => execFileSync('sh', ['-ec', script], { encoding: 'utf8' });

let starts = 0;
function spec(script: string, mounts: readonly Mount[], podUid = 'pod'): ContainerSpec {
  starts += 1;
  return {
    podUid,
    podName: 'pod',
    namespace: 'default',
    name: `c${starts}`,
    sandbox: { hostname: 'pod', podIps: [], isolation: { pid: 'container', ipc: 'container', sysctls: {} } },
    image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
    command: ['sh', '-c', `${script}\nexec sleep 300`],
    workingDir: '/',
    env: { PATH: process.env.PATH ?? '' },
    mounts,
    logPath: join(dataDir, 'pods', 'logs', `c${starts}`, '0.log'),
    limits: { cpuShares: 2 },
    podLimits: { cpuShares: 2 },
    oomScoreAdj: 1000,
    security: {
      groups: [],
      groupsOfImage: true,
      privileged: true,
      capabilities: ['ALL'],
      noNewPrivileges: false,
      readOnlyRoot: false,
      unmaskedProc: true,
    },
  };
}

const volume = (propagation?: Mount['propagation'], source = shared): Mount => ({
  volume: 'v',
  source,
  mountPath: '/mnt/v',
  readOnly: false,
  ...(propagation === undefined ? {} : { propagation }),
});

const running: RunningContainer[] = [];
async function start(script: string, mounts: readonly Mount[], podUid?: string): Promise<RunningContainer> {
  const container = await runtime.start(spec(script, mounts, podUid));
  running.push(container);
  return container;
}
async function inside(container: RunningContainer, script: string): Promise<string> {
  return (await container.exec(['sh', '-c', script], 5_000)).output.trim();
}
/** Mounts of this machine below the test's own directory, but for those the test itself made. */
function mounted(): string[] {
  const points = mountLines(readFileSync('/proc/self/mountinfo', 'utf8')).map(({ point }) => point);
  return points.filter((point) => point.startsWith(`${base}/`) && point !== alone);
}
/** Where a container's root is put together, and what it has of its own; elsewhere others are at work. */
function everywhere(): string[] {
  const points = mountLines(readFileSync('/proc/self/mountinfo', 'utf8')).map(({ point }) => point);
  return points.filter((point) => ['/proc', '/sys', '/dev', '/srv', '/mnt', base].some((at) => point.startsWith(at)));
}
const tmpfs = (at: string): string => `mkdir -p '${at}' && mount -t tmpfs none '${at}' && echo x > '${at}/x'`;

describe.runIf(kernelAllows(await runtime.isolationObstacle(), 'mounts that spread between a node and its containers'))(
  'mounts below a volume',
  () => {
    beforeAll(() => {
      // As systemd makes all of a machine's, and many containers do not; the kubelet's own data lie there as well.
      sh(`mount --bind ${base} ${base}; mount --make-private ${base}; mount --make-shared ${base}`);
      sh(`mount --bind ${alone} ${alone}; mount --make-private ${alone}`);
    });
    afterEach(async () => {
      for (const container of running.splice(0)) {
        container.signal('SIGKILL');
        await container.exited;
      }
      await runtime.releasePod('pod');
      for (const point of mounted().reverse()) sh(`umount -l '${point}'`);
    });
    afterAll(async () => {
      await runtime.sweep();
      sh(`umount -l ${alone}; umount -l ${base}`);
      rmSync(base, { recursive: true, force: true });
    });

    test('made by the node appear with HostToContainer and Bidirectional, and with nothing else', async () => {
      const [follows, both, none] = await Promise.all([
        start('', [volume('HostToContainer')]),
        start('', [volume('Bidirectional')]),
        start('', [volume()]),
      ]);
      sh(tmpfs(join(shared, 'late')));
      expect(await inside(follows, 'cat /mnt/v/late/x')).toBe('x');
      expect(await inside(both, 'cat /mnt/v/late/x')).toBe('x');
      expect(await inside(none, 'ls /mnt/v/late')).toBe('');
      sh(`umount ${join(shared, 'late')}`);
      expect(await inside(both, 'ls /mnt/v/late')).toBe('');
    });

    test('made by a container appear on the node, and in its neighbours, with Bidirectional alone', async () => {
      const neighbour = await start('', [volume('HostToContainer')]);
      const follows = await start(tmpfs('/mnt/v/own'), [volume('HostToContainer')]);
      await eventually('it has mounted', async () => expect(await inside(follows, 'cat /mnt/v/own/x')).toBe('x'));
      expect(mounted()).toEqual([]);
      await start(tmpfs('/mnt/v/given'), [volume('Bidirectional')]);
      await eventually('the node sees it', () => expect(mounted()).toEqual([join(shared, 'given')]));
      expect(readFileSync(join(shared, 'given', 'x'), 'utf8')).toBe('x\n');
      expect(await inside(neighbour, 'cat /mnt/v/given/x')).toBe('x');
    });

    test('made by a container are unmounted with its pod, those of the node and of other pods are not', async () => {
      const one = await start(`${tmpfs('/mnt/v/a')} && ${tmpfs('/mnt/v/a/b')}`, [volume('Bidirectional')]);
      await eventually('both are there', () => expect(mounted()).toHaveLength(2));
      sh(tmpfs(join(shared, 'node')));
      const other = await start(tmpfs('/mnt/v/other'), [volume('Bidirectional')], 'other-pod');
      await eventually('all are there', () => expect(mounted()).toHaveLength(4));
      expect(await inside(one, 'ls /mnt/v/other /mnt/v/node')).toContain('x');
      one.signal('SIGTERM');
      await one.exited;
      // A container that starts again finds them.
      expect(mounted()).toHaveLength(4);
      await runtime.releasePod('pod');
      expect(mounted()).toEqual([join(shared, 'node'), join(shared, 'other')]);
      other.signal('SIGKILL');
      await other.exited;
      await runtime.releasePod('other-pod');
      expect(mounted()).toEqual([join(shared, 'node')]);
    });

    test('what makes up the container itself does not show on the node', async () => {
      const before = everywhere();
      const container = await start('', [
        volume('Bidirectional'),
        { ...volume('HostToContainer'), mountPath: '/mnt/w' },
      ]);
      expect(everywhere()).toEqual(before);
      expect(await inside(container, 'mount -t tmpfs none /srv && mount -t tmpfs none /mnt && echo ok')).toBe('ok');
      expect(everywhere()).toEqual(before);
      container.signal('SIGKILL');
      await container.exited;
      expect(everywhere()).toEqual(before);
    });

    test.each([
      ['HostToContainer', `path "${alone}" is mounted on "${alone}" but it is not a shared or slave mount`],
      ['Bidirectional', `path "${alone}" is mounted on "${alone}" but it is not a shared mount`],
    ] as const)('%s is refused where the node keeps its mounts to itself', async (propagation, message) => {
      await expect(start('', [volume(propagation, alone)])).rejects.toThrow(message);
    });

    test('a volume below one that is Bidirectional is refused, since the node would have it as well', async () => {
      const mounts = [volume('Bidirectional'), { ...volume(undefined, alone), volume: 'w', mountPath: '/mnt/v/deep' }];
      await expect(start('', mounts)).rejects.toThrow('volume "w" at /mnt/v/deep lies below volume "v"');
      expect(mounted()).toEqual([]);
    });

    test('that were there before are read-only with recursiveReadOnly, and are not with readOnly alone', async () => {
      sh(`${tmpfs(join(shared, 'old'))}; ${tmpfs(join(shared, 'old', 'wi th'))}`);
      const mount = { ...volume(), readOnly: true };
      const all = { ...mount, mountPath: '/mnt/all', recursiveReadOnly: true as const };
      const container = await start('', [mount, all]);
      const at = (path: string): string => `(: > "${path}/new") 2>/dev/null && echo "${path}"`;
      const places = ['/mnt/v', '/mnt/v/old', '/mnt/all', '/mnt/all/old', '/mnt/all/old/wi th'];
      expect(await inside(container, places.map(at).join('; '))).toBe('/mnt/v/old');
      expect(await inside(container, 'cat "/mnt/all/old/wi th/x"')).toBe('x');
      sh(`: > '${shared}/old/writable'`);
    });

    test('are unmounted after kill -9 of the kubelet, by the next sweep', async () => {
      const url = (name: string): string => pathToFileURL(join(import.meta.dirname, name)).href;
      const asked = spec(`${tmpfs('/mnt/v/left')}; sleep 0.3; ${tmpfs('/mnt/v/left/later')}`, [
        volume('Bidirectional'),
      ]);
      const program = `
        import { ProcessRuntime } from '${url('process-runtime.ts')}';
        import { systemClock as clock } from '${url('../../../lib/clock.ts')}';
        import { silentLogger as log } from '${url('../../../lib/log.ts')}';
        setInterval(() => {}, 1000);
        const runtime = new ProcessRuntime({ dataDir: ${JSON.stringify(dataDir)}, images: {}, keep: [], clock, log });
        await runtime.start(${JSON.stringify(asked)});
        console.log('up');`;
      const file = join(base, 'host.mjs');
      writeFileSync(file, program);
      const host = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(host.stdout, 'data');
      host.kill('SIGKILL');
      await once(host, 'exit');
      // The second one was made when nobody looked any more.
      await eventually('both are there', () => expect(mounted()).toHaveLength(2));
      await open().sweep();
      expect(mounted()).toEqual([]);
    });
  },
);
