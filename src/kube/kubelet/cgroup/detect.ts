// Which control groups this machine has, and where ours may lie.
// Reads what the kernel lists; makes nothing.
import { join } from 'node:path';
import { V1_CONTROLLERS, type V1Bases } from './v1.ts';

export interface Hierarchies {
  readonly v1: V1Bases;
  /** The mount point of version 2. */
  readonly v2?: string;
}

interface CgroupMount {
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Lines of mountinfo have their fields before and after a lone dash. */
function cgroupMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    return type === 'cgroup' || type === 'cgroup2' ? [{ root, point, type, options: options.split(',') }] : [];
  });
}

/** Our own group by controller; that of version 2 under the empty name. */
function ownGroups(cgroup: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of cgroup.split('\n')) {
    const [, names = '', ...path] = line.split(':');
    if (path.length > 0) for (const name of names.split(',')) groups.set(name, path.join(':'));
  }
  return groups;
}

/**
 * From `/proc/self/mountinfo` and `/proc/self/cgroup`. In version 1 our groups lie below our own, so that whatever
 * bounds us bounds them; in version 2 a group with processes can have none below it, so they lie at the top.
 */
export function findHierarchies(mountinfo: string, cgroup: string): Hierarchies {
  const own = ownGroups(cgroup);
  const v1: { -readonly [Name in keyof V1Bases]: V1Bases[Name] } = {};
  let v2: string | undefined;
  for (const { root, point, type, options } of cgroupMounts(mountinfo)) {
    if (type === 'cgroup2') {
      v2 ??= point;
      continue;
    }
    for (const name of V1_CONTROLLERS) {
      if (!options.includes(name) || v1[name] !== undefined) continue;
      const path = own.get(name) ?? '/';
      // In a container only the part below its own root is mounted.
      const below = root === '/' || !path.startsWith(root) ? path : path.slice(root.length);
      v1[name] = join(point, below);
    }
  }
  return { v1, ...(v2 === undefined ? {} : { v2 }) };
}
