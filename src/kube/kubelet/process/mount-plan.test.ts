// Which volumes can stand at their paths, and by which steps.
import { expect, test } from 'vitest';
import type { Mount } from '../runtime.ts';
import { type MountFacts, planMounts } from './mount-plan.ts';

const PRESENT = new Set(['/', '/etc', '/etc/ssl', '/tmp', '/var', '/run', '/data', '/data/kubelet']);

const facts: MountFacts = {
  exists: (path) => PRESENT.has(path),
  isFile: (path) => path.endsWith('.file'),
  hasMountsBelow: (path) => path === '/run',
  overlay: true,
  newRoot: false,
  keep: ['/data/kubelet'],
};

const at = (mountPath: string, rest: Partial<Mount> = {}): Mount => ({
  volume: 'v',
  source: '/data/kubelet/v',
  mountPath,
  readOnly: false,
  ...rest,
});

test('an existing path is bound over, read-only when asked', () => {
  expect(planMounts([at('/etc/ssl', { readOnly: true })], '/s', facts)).toEqual({
    script: ["mount --bind '/data/kubelet/v' '/etc/ssl'", "mount -o remount,bind,ro '/etc/ssl'"],
    unreachable: [],
  });
});

test('a missing path is made in an overlay of its nearest directory, and a file as a file', () => {
  const { script } = planMounts([at('/etc/app/conf'), at("/etc/it's", { source: '/x.file' })], '/s', facts);
  expect(script).toEqual([
    "mount -t tmpfs none '/s'",
    "mkdir '/s/0-upper' '/s/0-work'",
    "mount -t overlay overlay -o 'lowerdir=/etc,upperdir=/s/0-upper,workdir=/s/0-work' '/etc'",
    "mkdir -p '/etc/app/conf'",
    "mount --bind '/data/kubelet/v' '/etc/app/conf'",
    "mkdir -p '/etc'; : > '/etc/it'\\''s'",
    "mount --bind '/x.file' '/etc/it'\\''s'",
  ]);
});

test.each([
  ['/config', 'it would have to be created in the root directory of the machine'],
  ['/run/app', 'other file systems are mounted below /run'],
  ['/data/app', '/data/kubelet lies below /data'],
  ['/data', 'it would hide /data/kubelet'],
])('%s is left to the variable', (path, why) => {
  const plan = planMounts([at(path)], '/s', facts);
  expect(plan.script).toEqual([]);
  expect(plan.unreachable.map((one) => one.why)).toEqual([why]);
});

test('a path in the root directory is made in a root of its own, before all else', () => {
  const { script, unreachable } = planMounts([at('/etc/ssl'), at('/config/deep')], '/s', { ...facts, newRoot: true });
  expect(unreachable).toEqual([]);
  expect(script[0]).toBe("mount -t tmpfs -o mode=755 none '/s-root'");
  expect(script.slice(script.indexOf('rmdir /.old-root'))).toEqual([
    'rmdir /.old-root',
    "mount --bind '/data/kubelet/v' '/etc/ssl'",
    "mkdir -p '/config/deep'",
    "mount --bind '/data/kubelet/v' '/config/deep'",
  ]);
});

test('without overlays only existing paths are reached', () => {
  const plan = planMounts([at('/tmp'), at('/etc/app')], '/s', { ...facts, overlay: false });
  expect(plan.script).toEqual(["mount --bind '/data/kubelet/v' '/tmp'"]);
  expect(plan.unreachable).toHaveLength(1);
});
