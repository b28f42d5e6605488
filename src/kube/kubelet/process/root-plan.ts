// A container's file system: the machine's root under a writable overlay, its own /proc, /dev, /sys and /tmp, its volumes.
// Pure planning, as tables for `mount` and steps for a shell; nothing is mounted here.
import { dirname } from 'node:path';
import { hiddenInVolumes } from '../hidden-mounts.ts';
import type { Mount } from '../runtime.ts';
import { bind, type FstabEntry, fstab } from './fstab.ts';
import type { HostMount } from './host-mounts.ts';
import { quote } from './quote.ts';

/** Where the machine's root is found until all volumes stand. */
const OLD_ROOT = '/dev/.old-root';

/**
 * Where the new root is put together while mounts are shared with the machine: the file system of /proc is the one that
 * is surely there, has a directory to spare, and can be cut off without cutting off any volume.
 */
const STAGE = '/proc/fs';

/** How far a container's mounts are the machine's: its namespace begins so. */
export type Propagation = 'private' | 'slave' | 'unchanged';

/** The least that all of them need. */
export function propagationOf(mounts: readonly Mount[]): Propagation {
  if (mounts.some(({ propagation }) => propagation === 'Bidirectional')) return 'unchanged';
  return mounts.some(({ propagation }) => propagation !== undefined) ? 'slave' : 'private';
}

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
  /** Those of them that exist: volumes are not to show them either. */
  readonly hiddenThere: readonly string[];
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

/** Where things are while the root is put together; relative to the scratch directory where they lie in it. */
function places(input: RootPlanInput): { readonly staged: boolean; readonly root: string; readonly upper: string } {
  const staged = propagationOf(input.mounts) === 'unchanged';
  const memory = staged ? `${STAGE}/memory/` : 'memory/';
  return { staged, root: staged ? `${STAGE}/root` : `${input.scratch}/root`, upper: input.upperInMemory ? memory : '' };
}

/** Everything that must stand before the root is changed. */
function baseEntries(input: RootPlanInput): FstabEntry[] {
  const { scratch, hostMounts, fresh, privileged } = input;
  const { root, upper } = places(input);
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

const SPREAD = { HostToContainer: 'rslave', Bidirectional: 'rshared' } as const;

function volumeEntries(batch: readonly PlacedMount[]): FstabEntry[] {
  return batch.map(({ source, mountPath, readOnly, file, propagation }) =>
    bind(
      `${OLD_ROOT}${source}`,
      mountPath,
      ...(file ? [] : ['X-mount.mkdir']),
      ...(readOnly ? ['ro'] : []),
      ...(propagation === undefined ? [] : [SPREAD[propagation]]),
    ),
  );
}

/** Binds are copies, and would go on to share: what does not say otherwise is the container's alone. */
function apart(entries: readonly FstabEntry[], input: RootPlanInput): FstabEntry[] {
  if (propagationOf(input.mounts) === 'private') return [...entries];
  return entries.map((entry) =>
    entry.type !== 'none' || /\br(slave|shared)$/.test(entry.options)
      ? entry
      : { ...entry, options: `${entry.options},rprivate` },
  );
}

/** Mounts that the volume brought along; the kernel's own way to do so is newer than many tools. */
function recursiveSteps(mounts: readonly PlacedMount[]): string[] {
  const points = mounts.filter(({ recursiveReadOnly }) => recursiveReadOnly === true).map(({ mountPath }) => mountPath);
  if (points.length === 0) return [];
  return [
    'while read -r _ _ _ _ at _; do',
    '  at=$(printf \'%b\' "$at")',
    `  case "$at" in ${points.map((point) => `${quote(point)}/*`).join('|')}) mount -n -o remount,bind,ro "$at";; esac`,
    `done < ${OLD_ROOT}/proc/self/mountinfo`,
  ];
}

/** Its own mounts would be the machine's: they would stay there. */
export function nestedObstacle(mounts: readonly Mount[]): string | undefined {
  for (const outer of mounts) {
    if (outer.propagation !== 'Bidirectional') continue;
    const inner = mounts.find(({ mountPath }) => mountPath !== outer.mountPath && holds(outer.mountPath, mountPath));
    if (inner === undefined) continue;
    return (
      `volume "${inner.volume}" at ${inner.mountPath} lies below volume "${outer.volume}", whose mountPropagation is ` +
      'Bidirectional, so that it would be mounted on the node as well: mount it elsewhere'
    );
  }
  return undefined;
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

/** What the machine unmounts and removes while a container starts is none of its business: `mount` does the rest. */
function unlessGone(hostMounts: readonly HostMount[]): string {
  if (hostMounts.length === 0) return '';
  return ` || { ${hostMounts.map(({ point }) => `[ ! -e ${quote(point)} ]`).join(' || ')}; }`;
}

function readOnlySteps({ readOnly, fresh, hostMounts }: RootPlanInput): string[] {
  if (!readOnly) return [];
  return [
    ...['/', ...fresh.map((name) => `/${name}`)].map((path) => `mount -n -o remount,bind,ro ${quote(path)}`),
    ...hostMounts.map(({ point }) => `[ ! -e ${quote(point)} ] || mount -n -o remount,bind,ro ${quote(point)}`),
  ];
}

export function planRoot(input: RootPlanInput): RootPlan {
  const { scratch, hostMounts, upperInMemory, devices, passable } = input;
  const { staged, root, upper } = places(input);
  const volumes = batches(input.mounts);
  const indexes = [0, ...hostMounts.map((_, index) => index + 1)];
  const layers = indexes.flatMap((index) => [`${upper}upper/${index}`, `${upper}work/${index}`]);
  const masks = maskEntries(input);
  const covers = hiddenInVolumes(input.mounts, input.hiddenThere).map((path) =>
    bind(`${OLD_ROOT}${scratch}/empty`, path, 'ro'),
  );
  const table = (name: string): string => `${OLD_ROOT}${scratch}/${name}`;
  const written = (entries: readonly FstabEntry[]): string => fstab(apart(entries, input));
  return {
    files: {
      'base.fstab': written(baseEntries(input)),
      'masks.fstab': written(masks),
      'covers.fstab': written(covers),
      ...Object.fromEntries(volumes.map((batch, index) => [`volumes-${index}.fstab`, written(volumeEntries(batch))])),
    },
    steps: [
      `cd ${quote(scratch)}`,
      ...(staged
        ? ['mount -n --make-private /proc', `mount -n -t tmpfs -o mode=755 none ${STAGE}`, `mkdir ${root}`]
        : upperInMemory
          ? ['mkdir -p memory', 'mount -n -t tmpfs -o mode=755 none memory']
          : []),
      `mkdir -p ${layers.join(' ')}`,
      `mount -n -a -T base.fstab${unlessGone(hostMounts)}`,
      // `links` also holds the directory that the old root is put into.
      `cp -a ${devices.map((name) => quote(`/dev/${name}`)).join(' ')} links/. ${quote(`${root}/dev/`)}`,
      `cd ${quote(root)}`,
      'pivot_root . dev/.old-root',
      'cd /',
      ...(passable.length === 0 ? [] : [`chmod go+x ${passable.map(quote).join(' ')}`]),
      ...(masks.length === 0 ? [] : [`mount -n -a -T ${quote(table('masks.fstab'))}`]),
      ...volumes.flatMap((batch, index) => volumeSteps(batch, table(`volumes-${index}.fstab`))),
      ...recursiveSteps(input.mounts),
      ...(covers.length === 0 ? [] : [`mount -n -a -T ${quote(table('covers.fstab'))}`]),
      ...readOnlySteps(input),
      // Else the machine's mounts would go with it.
      ...(staged ? [`mount -n --make-rprivate ${OLD_ROOT}`] : []),
      `umount -n -l ${OLD_ROOT}`,
      `rmdir ${OLD_ROOT}`,
    ],
  };
}
