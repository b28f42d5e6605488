// The files of both versions: which are written for which limit, and what is read from them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { findHierarchies } from './detect.ts';
import { CgroupTree } from './tree.ts';
import { V1Driver } from './v1.ts';
import { V2Driver } from './v2.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'evenkeel-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const LIMITS = { cpuShares: 512, cpuMillis: 1500, memoryBytes: 1 << 20, pids: 7 };

function put(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

test('version 1 has a tree for each controller, two of which may share one', () => {
  const driver = new V1Driver({ memory: '/m', cpu: '/c', cpuacct: '/c', pids: '/p' });
  expect(driver.dirs('n/pod1/a')).toEqual(['/m/n/pod1/a', '/c/n/pod1/a', '/p/n/pod1/a']);
  expect(driver.settings('g', LIMITS).map(({ file, value }) => `${file}=${value}`)).toEqual([
    '/c/g/cpu.shares=512',
    '/c/g/cpu.cfs_period_us=100000',
    '/c/g/cpu.cfs_quota_us=150000',
    '/m/g/memory.limit_in_bytes=1048576',
    '/m/g/memory.memsw.limit_in_bytes=1048576',
    '/p/g/pids.max=7',
  ]);
  expect(new V1Driver({ memory: '/m' }).settings('g', { cpuShares: 2, cpuMillis: 100 })).toEqual([]);
});

test('version 2 has one tree, and what is not delegated is not written', () => {
  const driver = new V2Driver('/u', ['cpu', 'memory', 'pids', 'io']);
  expect(driver.settings('g', LIMITS, 'container').map(({ file, value }) => `${file}=${value}`)).toEqual([
    '/u/g/cpu.weight=20',
    '/u/g/cpu.max=150000 100000',
    '/u/g/memory.max=1048576',
    '/u/g/memory.swap.max=0',
    '/u/g/memory.oom.group=1',
    '/u/g/pids.max=7',
  ]);
  expect(driver.settings('g', LIMITS, 'pod').map(({ file }) => file)).not.toContain('/u/g/memory.oom.group');
  expect(driver.delegation('n').map(({ value }) => value)).toEqual(['+memory', '+cpu', '+pids']);
  const partial = new V2Driver('/u', ['pids']);
  expect(partial.settings('g', LIMITS, 'container')).toEqual([{ file: '/u/g/pids.max', value: '7' }]);
  expect([partial.memory, partial.cpu]).toEqual([false, false]);
});

test('readings of version 2', () => {
  const driver = new V2Driver(root, ['cpu', 'memory', 'pids']);
  put({
    'g/cpu.stat': 'usage_usec 1500\nuser_usec 1000\n',
    'g/memory.current': '5000\n',
    'g/memory.stat': 'anon 3000\nfile 2000\ninactive_file 1500\n',
    'g/memory.events': 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n',
  });
  expect(driver.read('g')).toEqual({ cpuNanos: 1_500_000, workingSetBytes: 3500, rssBytes: 3000 });
  expect(driver.oomKills('g')).toBe(2);
  expect(driver.read('gone')).toEqual({});
  expect(driver.oomKills('gone')).toBe(0);
});

test('readings of version 1', () => {
  const driver = new V1Driver({ memory: join(root, 'm'), cpuacct: join(root, 'c') });
  put({
    'c/g/cpuacct.usage': '12345\n',
    'm/g/memory.usage_in_bytes': '5000\n',
    'm/g/memory.stat': 'rss 1\ntotal_rss 3000\ntotal_inactive_file 6000\n',
    'm/g/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  });
  expect(driver.read('g')).toEqual({ cpuNanos: 12_345, workingSetBytes: 0, rssBytes: 3000 });
  expect(driver.oomKills('g')).toBe(1);
});

test('a tree of version 2 hands its controllers down at each level, and bounds pod and container', () => {
  const made = { 'cgroup.subtree_control': '', 'cgroup.controllers': 'cpu memory pids' };
  const limits = { 'cpu.weight': '', 'cpu.max': '', 'memory.max': '', 'memory.swap.max': '', 'pids.max': '' };
  for (const at of ['.', 'keel', 'keel/n1', 'keel/n1/pod1', 'keel/n1/pod1/main']) {
    for (const [name, text] of Object.entries({ ...made, ...limits })) put({ [`${at}/${name}`]: text });
  }
  const tree = new CgroupTree(new V2Driver(root, ['cpu', 'memory', 'pids']), 'keel/n1', new FakeClock());
  const group = tree.container('1', 'main', LIMITS, { cpuShares: 1024, pids: 100 });
  const read = (name: string): string => readFileSync(join(root, name), 'utf8');
  expect(read('keel/n1/pod1/main/memory.max')).toBe('1048576');
  expect(read('keel/n1/pod1/main/cpu.max')).toBe('150000 100000');
  expect(read('keel/n1/pod1/pids.max')).toBe('100');
  expect(read('keel/n1/pod1/memory.max')).toBe('');
  expect(group.join).toEqual([join(root, 'keel/n1/pod1/main/cgroup.procs')]);
});

test('the groups of this machine are found below our own', () => {
  const mountinfo = [
    '30 20 0:26 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate',
    '31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct',
    '32 20 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
    '33 20 0:29 / /proc rw - proc proc rw',
  ].join('\n');
  const cgroup = '3:cpu,cpuacct:/user.slice\n2:memory:/docker/abc/x\n0::/init.scope\n';
  expect(findHierarchies(mountinfo, cgroup)).toEqual({
    v1: {
      cpu: '/sys/fs/cgroup/cpu,cpuacct/user.slice',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct/user.slice',
      memory: '/sys/fs/cgroup/memory/x',
    },
    v2: '/sys/fs/cgroup/unified',
  });
  expect(findHierarchies('', '')).toEqual({ v1: {} });
});
