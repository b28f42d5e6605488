// The machine's file systems that a container's root shows besides the root itself, e.g. a /home of its own.
// Pure; reads the text of mountinfo and mounts nothing.

export interface HostMount {
  readonly point: string;
  /** Whether an overlay may lie over it; else it is shown read-only. */
  readonly overlay: boolean;
}

/** File systems of which overlays are known to work. */
const LOWER = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'zfs', 'overlay', 'squashfs', 'erofs']);
const SHOWN = new Set([
  ...LOWER,
  'bcachefs',
  'nfs',
  'nfs4',
  'cifs',
  '9p',
  'virtiofs',
  'vfat',
  'exfat',
  'fuse',
  'fuseblk',
]);
/** What a container has of its own, and what is of no use to it. */
const APART = ['/proc', '/sys', '/dev', '/run', '/tmp', '/boot', '/var/lib/docker', '/var/lib/containers', '/snap'];

function below(path: string, parents: readonly string[]): boolean {
  return parents.some((parent) => path === parent || path.startsWith(`${parent}/`));
}

function unquoted(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Outer ones first. `hidden`: directories that nothing is to be shown of. */
export function hostMounts(mountinfo: string, hidden: readonly string[]): HostMount[] {
  const found = new Map<string, HostMount>();
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const point = unquoted(before.split(' ')[4] ?? '');
    const [type = ''] = after.split(' ');
    const shown = SHOWN.has(type) || type.startsWith('fuse.');
    if (point === '' || point === '/' || !shown || below(point, [...APART, ...hidden])) continue;
    found.set(point, { point, overlay: LOWER.has(type) });
  }
  return [...found.values()].toSorted((a, b) => (a.point < b.point ? -1 : 1));
}
