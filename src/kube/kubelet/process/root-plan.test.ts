// In which order a container's file system is put together, and what of the machine goes into it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bind, fstab } from './fstab.ts';
import { hostMounts } from './host-mounts.ts';
import { type PlacedMount, planRoot, type RootPlanInput } from './root-plan.ts';
import { splitEnvironment, unshellable } from './setup-script.ts';

const input: RootPlanInput = {
  scratch: '/data/s',
  upperInMemory: false,
  hostMounts: [],
  hidden: [],
  hiddenThere: [],
  fresh: ['tmp', 'run'],
  mounts: [],
  cgroups: undefined,
  shm: undefined,
  hostIpc: false,
  readOnly: false,
  privileged: false,
  devices: ['null'],
  proc: { readOnly: [], hidden: [] },
  passable: [],
};

const at = (mountPath: string, file = false, readOnly = false): PlacedMount => ({
  volume: 'v',
  source: '/data/v',
  mountPath,
  readOnly,
  file,
});
const targets = (table: string | undefined): string[] =>
  (table ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ')[1] ?? '');

test('outer volumes are mounted before inner ones, and a file below a volume after that volume', () => {
  const { files, steps } = planRoot({ ...input, mounts: [at('/a/b/f', true), at('/x', true), at('/a/b'), at('/a')] });
  expect(targets(files['volumes-0.fstab'])).toEqual(['/x', '/a', '/a/b']);
  expect(targets(files['volumes-1.fstab'])).toEqual(['/a/b/f']);
  const order = steps.filter((step) => step.includes('volumes-') || step.includes("> '/a/b/f'"));
  expect(order.map((step) => /volumes-\d|\/a\/b\/f/.exec(step)?.[0])).toEqual(['volumes-0', '/a/b/f', 'volumes-1']);
});

test('what is hidden is covered, unless it cannot be seen anyway', () => {
  const { files } = planRoot({ ...input, hidden: ['/home/me/.evenkeel', '/tmp/data'] });
  expect(targets(files['masks.fstab'])).toEqual(['/home/me/.evenkeel']);
});

test('other file systems of the machine lie over the root, read-only where no overlay can', () => {
  const { files, steps } = planRoot({
    ...input,
    hostMounts: [
      { point: '/home', overlay: true },
      { point: '/mnt/share', overlay: false },
      { point: '/odd:place', overlay: true },
    ],
  });
  const lines = (files['base.fstab'] ?? '').split('\n');
  expect(lines[1]).toBe('overlay /data/s/root/home overlay lowerdir=/home,upperdir=upper/1,workdir=work/1 0 0');
  expect(lines[2]).toBe('/mnt/share /data/s/root/mnt/share none rbind,ro 0 0');
  expect(lines[3]).toContain('rbind,ro');
  expect(steps[1]).toContain('upper/1 work/1');
});

test('a read-only root is made so last, before the machine root goes', () => {
  const { steps } = planRoot({ ...input, readOnly: true, mounts: [at('/data')] });
  const last = steps.slice(steps.findIndex((step) => step.includes('volumes-0')) + 1);
  expect(last).toEqual([
    "mount -n -o remount,bind,ro '/'",
    "mount -n -o remount,bind,ro '/tmp'",
    "mount -n -o remount,bind,ro '/run'",
    'umount -n -l /dev/.old-root',
    'rmdir /dev/.old-root',
  ]);
});

test('a line of an fstab has six fields, whatever the paths', () => {
  const path = fc.string({ unit: 'binary' }).map((text) => `/${text}`);
  const undo = (text = ''): string =>
    text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
  fc.assert(
    fc.property(path, path, (source, target) => {
      const [line = '', ...rest] = fstab([bind(source, target, 'ro')]).split('\n');
      expect(rest).toEqual(['']);
      expect(line.split(/[ \t]/).map(undo)).toEqual([source, target, 'none', 'rbind,ro', '0', '0']);
    }),
  );
});

test('file systems of disks are shown, those of the kernel and of other containers are not', () => {
  const mountinfo = [
    '1 0 8:1 / / rw - ext4 /dev/vda rw',
    '2 1 8:2 / /home rw shared:1 - ext4 /dev/vdb rw',
    '3 1 0:5 / /proc rw - proc proc rw',
    '4 1 8:1 /x /run/netns rw - ext4 /dev/vda rw',
    '5 1 0:9 / /mnt/my\\040share rw - nfs4 server:/x rw',
    '6 1 8:1 / /var/lib/docker/overlay2/x rw - overlay overlay rw',
    '7 2 8:3 / /home/me/.evenkeel rw - ext4 /dev/vdc rw',
    '8 1 0:7 / /sys/fs/cgroup rw - tmpfs tmpfs rw',
  ].join('\n');
  expect(hostMounts(mountinfo, ['/home/me/.evenkeel'])).toEqual([
    { point: '/home', overlay: true },
    { point: '/mnt/my share', overlay: false },
  ]);
});

test('variables that tools or shells would take for theirs are set at the very end', () => {
  const env = { A: '1', PATH: '/x', LD_PRELOAD: 'y.so', 'a.b': '2', IFS: ':', '1X': '3' };
  expect(splitEnvironment(env)).toEqual({
    plain: { A: '1' },
    last: ['env', 'PATH=/x', 'LD_PRELOAD=y.so', 'a.b=2', 'IFS=:', '1X=3'],
  });
  expect(unshellable(env)).toEqual(['env', 'a.b=2', '1X=3']);
  expect(unshellable({ A: '1' })).toEqual([]);
});
