// A container's file system: the machine's root under a writable overlay, its own /proc, /dev, /sys and /tmp, its volumes.
// Pure planning, as tables for `mount` and steps for a shell; nothing is mounted here.
import { dirname } from 'node:path';
import type { Mount } from '../runtime.ts';
import { bind, type FstabEntry, fstab } from './fstab.ts';
import type { HostMount } from './host-mounts.ts';
import { quote } from './quote.ts';

/** Where the machine's root is found until all volumes stand. */
const OLD_ROOT = '/dev/.old-root';

/** A mount whose source is known to be a file or a directory. */
export interface PlacedMount extends Mount {
  readonly file: boolean;
}

export interface RootPlanInput {
  /** Existing directory with `root`, `upper`, `work`, `tmp`, `run`, `empty` and `links` in it; without symbolic links. */
  readonly scratch: string;
  /** Overlays of memory, where the disk's file system cannot hold what they write. */
  readonly upperInMemory: boolean;
  readonly hostMounts: readonly HostMount[];
  /** Directories of the machine that must not be seen; without symbolic links. */
  readonly hidden: readonly string[];
  /** Directories that are empty at first and the container's own: /tmp and /run, unless the image lies below. */
  readonly fresh: readonly ('tmp' | 'run')[];
  readonly mounts: readonly PlacedMount[];
  readonly cgroups: { readonly version: 1 | 2; readonly dirs: readonly string[] } | undefined;
  /** Directory of the machine to use for shared memory; the container's own when left out. */
  readonly shm: string | undefined;
  readonly hostIpc: boolean;
  readonly readOnly: boolean;
  readonly privileged: boolean;
  /** Names below /dev that the container has as well. */
  readonly devices: readonly string[];
  /** Files and directories of /proc that exist here, to be read-only or hidden. */
  readonly proc: { readonly readOnly: readonly string[]; readonly hidden: readonly string[] };
  /** Directories that another user than root must be able to pass. */
  readonly passable: readonly string[];
}

export interface RootPlan {
  /** Files to write into `scratch`. */
  readonly files: Readonly<Record<string, string>>;
  /** Steps of a shell with `set -e`, whose root is the container's at their end. */
  readonly steps: readonly string[];
}

function holds(parent: string, path: string): boolean {
  return path === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`);
}

function depth(path: string): number {
  return path.split('/').filter(Boolean).length;
}

function cgroupEntries(root: string, cgroups: RootPlanInput['cgroups']): FstabEntry[] {
  if (cgroups === undefined) return [];
  const at = `${root}/sys/fs/cgroup`;
  if (cgroups.version === 2) return cgroups.dirs.map((dir) => bind(dir, at, 'ro'));
  const flat: FstabEntry = {
    source: 'tmpfs',
    target: at,
    type: 'tmpfs',
    options: 'nosuid,nodev,noexec,mode=755,size=64k',
  };
  // The first parts of the path tell which controller the directory is of.
  const names = cgroups.dirs.map((dir) => ({ dir, name: /^\/sys\/fs\/cgroup\/([^/]+)/.exec(dir)?.[1] }));
  return [
    flat,
    ...names.flatMap(({ dir, name }) =>
      name === undefined ? [] : [bind(dir, `${at}/${name}`, 'ro', 'X-mount.mkdir')],
    ),
  ];
}

/** Everything that must stand before the root is changed. */
function baseEntries(input: RootPlanInput): FstabEntry[] {
  const { scratch, hostMounts, fresh, upperInMemory, privileged } = input;
  const root = `${scratch}/root`;
  const upper = upperInMemory ? 'memory/' : '';
  const overlay = (point: string, index: number): FstabEntry => ({
    source: 'overlay',
    target: index === 0 ? root : `${root}${point}`,
    type: 'overlay',
    // Relative to the scratch directory: options have no way to write a comma or a colon of a path.
    options: `lowerdir=${point},upperdir=${upper}upper/${index},workdir=${upper}work/${index}`,
  });
  const own = 'nosuid,nodev,noexec';
  const sys = privileged ? own : `ro,${own}`;
  return [
    overlay('/', 0),
    ...hostMounts.map(({ point, overlay: over }, index) =>
      over && !/[,:\\\s]/.test(point) ? overlay(point, index + 1) : bind(point, `${root}${point}`, 'ro'),
    ),
    { source: 'proc', target: `${root}/proc`, type: 'proc', options: own },
    { source: 'sysfs', target: `${root}/sys`, type: 'sysfs', options: sys },
    ...cgroupEntries(root, input.cgroups),
    { source: 'tmpfs', target: `${root}/dev`, type: 'tmpfs', options: 'nosuid,strictatime,mode=755,size=64m' },
    {
      source: 'devpts',
      target: `${root}/dev/pts`,
      type: 'devpts',
      options: 'X-mount.mkdir,newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec',
    },
    ...shmEntries(root, input),
    ...fresh.map((name) => bind(`${scratch}/${name}`, `${root}/${name}`)),
  ];
}

function shmEntries(root: string, { shm, hostIpc }: RootPlanInput): FstabEntry[] {
  const target = `${root}/dev/shm`;
  const options = 'X-mount.mkdir,nosuid,nodev,noexec';
  const mqueue: FstabEntry = { source: 'mqueue', target: `${root}/dev/mqueue`, type: 'mqueue', options };
  if (hostIpc) return [bind('/dev/shm', target, 'X-mount.mkdir')];
  if (shm !== undefined) return [bind(shm, target, 'X-mount.mkdir'), mqueue];
  return [{ source: 'shm', target, type: 'tmpfs', options: `${options},mode=1777,size=64m` }, mqueue];
}

/** A file below another volume can be placed only when that volume stands, so volumes come in batches. */
function batches(mounts: readonly PlacedMount[]): PlacedMount[][] {
  const found: PlacedMount[][] = [];
  let current: PlacedMount[] = [];
  for (const mount of mounts.toSorted((a, b) => depth(a.mountPath) - depth(b.mountPath))) {
    if (mount.file && current.some((one) => holds(one.mountPath, mount.mountPath))) {
      found.push(current);
      current = [];
    }
    current.push(mount);
  }
  return [...found, current].filter((batch) => batch.length > 0);
}

function volumeSteps(batch: readonly PlacedMount[], table: string): string[] {
  const files = batch.filter((mount) => mount.file).map((mount) => mount.mountPath);
  return [
    // A link would lead to another file, perhaps to one that is not there.
    ...files.flatMap((path) => [
      `if [ -L ${quote(path)} ]; then rm -f ${quote(path)}; fi`,
      `[ -e ${quote(path)} ] || { mkdir -p ${quote(dirname(path))}; : > ${quote(path)}; }`,
    ]),
    `mount -n -a -T ${quote(table)}`,
  ];
}

function volumeTable(batch: readonly PlacedMount[]): string {
  return fstab(
    batch.map(({ source, mountPath, readOnly, file }) =>
      bind(`${OLD_ROOT}${source}`, mountPath, ...(file ? [] : ['X-mount.mkdir']), ...(readOnly ? ['ro'] : [])),
    ),
  );
}

/** What is covered once the root is the container's own. */
function maskEntries({ hidden, fresh, proc, scratch }: RootPlanInput): FstabEntry[] {
  const seen = hidden.filter((path) => !fresh.some((name) => holds(`/${name}`, path)));
  return [
    ...seen.map((path) => bind(`${OLD_ROOT}${scratch}/empty`, path, 'ro', 'X-mount.mkdir')),
    ...proc.readOnly.map((path) => bind(path, path, 'ro')),
    ...proc.hidden.map((path) => bind('/dev/null', path)),
  ];
}

function readOnlySteps({ readOnly, fresh, hostMounts }: RootPlanInput): string[] {
  if (!readOnly) return [];
  return ['/', ...fresh.map((name) => `/${name}`), ...hostMounts.map(({ point }) => point)].map(
    (path) => `mount -n -o remount,bind,ro ${quote(path)}`,
  );
}

export function planRoot(input: RootPlanInput): RootPlan {
  const { scratch, hostMounts, upperInMemory, devices, passable } = input;
  const volumes = batches(input.mounts);
  const indexes = [0, ...hostMounts.map((_, index) => index + 1)];
  const layers = indexes.flatMap((index) => [`upper/${index}`, `work/${index}`]);
  const there = upperInMemory ? layers.map((name) => `memory/${name}`) : layers;
  const masks = maskEntries(input);
  const table = (name: string): string => `${OLD_ROOT}${scratch}/${name}`;
  return {
    files: {
      'base.fstab': fstab(baseEntries(input)),
      'masks.fstab': fstab(masks),
      ...Object.fromEntries(volumes.map((batch, index) => [`volumes-${index}.fstab`, volumeTable(batch)])),
    },
    steps: [
      `cd ${quote(scratch)}`,
      ...(upperInMemory ? ['mkdir -p memory', 'mount -n -t tmpfs -o mode=755 none memory'] : []),
      `mkdir -p ${there.join(' ')}`,
      'mount -n -a -T base.fstab',
      // `links` also holds the directory that the old root is put into.
      `cp -a ${devices.map((name) => quote(`/dev/${name}`)).join(' ')} links/. root/dev/`,
      'cd root',
      'pivot_root . dev/.old-root',
      'cd /',
      ...(passable.length === 0 ? [] : [`chmod go+x ${passable.map(quote).join(' ')}`]),
      ...(masks.length === 0 ? [] : [`mount -n -a -T ${quote(table('masks.fstab'))}`]),
      ...volumes.flatMap((batch, index) => volumeSteps(batch, table(`volumes-${index}.fstab`))),
      ...readOnlySteps(input),
      `umount -n -l ${OLD_ROOT}`,
      `rmdir ${OLD_ROOT}`,
    ],
  };
}
