// How a process gets its volumes at the paths it expects: as steps inside a private mount namespace.
// Pure planning; what exists and what is mounted is handed in, and nothing is mounted here.
import { dirname } from 'node:path';
import type { Mount } from '../runtime.ts';

export interface MountFacts {
  exists(path: string): boolean;
  isFile(path: string): boolean;
  /** Whether something else is mounted below the path: an overlay would hide it. */
  hasMountsBelow(path: string): boolean;
  /** Whether overlays can be made. */
  readonly overlay: boolean;
  /** What must stay reachable under its own path: the kubelet's data. */
  readonly keep: string;
}

export interface MountPlan {
  /** Shell commands, in order; empty when there is nothing to mount. */
  readonly script: readonly string[];
  readonly unreachable: readonly { readonly mount: Mount; readonly why: string }[];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function holds(parent: string, path: string): boolean {
  return path === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`);
}

function nearestExisting(path: string, facts: MountFacts): string {
  let at = path;
  while (!facts.exists(at)) at = dirname(at);
  return at;
}

/** Why the path cannot be made without touching the machine's own files; `undefined` when an overlay on `base` can. */
function obstacle(base: string, facts: MountFacts): string | undefined {
  if (!facts.overlay) return 'the kernel does not allow overlays here';
  if (base === '/') return 'it would have to be created in the root directory of the machine';
  if (holds(base, facts.keep)) return `the data directory lies below ${base}`;
  if (facts.hasMountsBelow(base)) return `other file systems are mounted below ${base}`;
  return undefined;
}

/**
 * A path that exists is bound over; one that does not is made inside a throw-away overlay of its nearest directory, so
 * that nothing is ever written to the machine's own tree. `scratch` is an existing empty directory.
 */
export function planMounts(mounts: readonly Mount[], scratch: string, facts: MountFacts): MountPlan {
  const overlays = new Set<string>();
  const binds: string[] = [];
  const unreachable: { mount: Mount; why: string }[] = [];
  for (const mount of mounts) {
    const { source, mountPath, readOnly } = mount;
    if (mountPath === '/' || holds(mountPath, facts.keep)) {
      unreachable.push({ mount, why: 'it would hide the data directory' });
      continue;
    }
    const base = nearestExisting(mountPath, facts);
    if (base !== mountPath) {
      const why = obstacle(base, facts);
      if (why !== undefined) {
        unreachable.push({ mount, why });
        continue;
      }
      overlays.add(base);
      binds.push(
        facts.isFile(source)
          ? `mkdir -p ${quote(dirname(mountPath))}; : > ${quote(mountPath)}`
          : `mkdir -p ${quote(mountPath)}`,
      );
    }
    binds.push(`mount --bind ${quote(source)} ${quote(mountPath)}`);
    if (readOnly) binds.push(`mount -o remount,bind,ro ${quote(mountPath)}`);
  }
  return { script: [...overlaySteps(overlays, scratch), ...binds], unreachable };
}

function overlaySteps(bases: ReadonlySet<string>, scratch: string): string[] {
  if (bases.size === 0) return [];
  const steps = [`mount -t tmpfs none ${quote(scratch)}`];
  // Outer directories first: an overlay of `/etc` must not hide the one of `/etc/app`.
  for (const [index, base] of [...bases].sort().entries()) {
    const upper = `${scratch}/${index}-upper`;
    const work = `${scratch}/${index}-work`;
    const options = `lowerdir=${base},upperdir=${upper},workdir=${work}`;
    steps.push(`mkdir ${quote(upper)} ${quote(work)}`, `mount -t overlay overlay -o ${quote(options)} ${quote(base)}`);
  }
  return steps;
}
