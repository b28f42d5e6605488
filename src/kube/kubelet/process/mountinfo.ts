// Lines of /proc/PID/mountinfo, as far as volumes need them.
// Pure text; reads no file and mounts nothing.

export interface MountLine {
  /** Major and minor number of the file system. */
  readonly device: string;
  readonly point: string;
  /** Number of those who share what is mounted below it, in whatever namespace. */
  readonly peers?: string;
  /** Number of those whom it follows. */
  readonly follows?: string;
}

function unquoted(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** In the order in which they were mounted: the last of those at one point is the one that is seen. */
export function mountLines(mountinfo: string): MountLine[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = ''] = line.split(' - ');
    const [, , device = '', , point = '', , ...tags] = before.split(' ');
    if (point === '') return [];
    const tag = (name: string): string | undefined =>
      tags.find((one) => one.startsWith(`${name}:`))?.slice(name.length + 1);
    const peers = tag('shared');
    const follows = tag('master');
    return [
      {
        device,
        point: unquoted(point),
        ...(peers === undefined ? {} : { peers }),
        ...(follows === undefined ? {} : { follows }),
      },
    ];
  });
}

export function isBelow(path: string, parent: string): boolean {
  return path.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/** The mount that a path without symbolic links lies on. */
export function mountOf(path: string, mounts: readonly MountLine[]): MountLine | undefined {
  const holding = mounts.filter(({ point }) => path === point || isBelow(path, point));
  return holding.reduce<MountLine | undefined>(
    (best, one) => (best === undefined || one.point.length >= best.point.length ? one : best),
    undefined,
  );
}

/** Why mounts cannot spread as a container asks for, in the words of container runtimes; `undefined` when they can. */
export function propagationObstacle(
  path: string,
  propagation: 'HostToContainer' | 'Bidirectional',
  mounts: readonly MountLine[],
): string | undefined {
  const { point = '/', peers, follows } = mountOf(path, mounts) ?? {};
  if (peers !== undefined || (propagation === 'HostToContainer' && follows !== undefined)) return undefined;
  const kind = propagation === 'Bidirectional' ? 'shared' : 'shared or slave';
  return (
    `path "${path}" is mounted on "${point}" but it is not a ${kind} mount: ` +
    `make it one with "mount --make-rshared ${point}" on the node before the kubelet starts, or leave mountPropagation out`
  );
}
