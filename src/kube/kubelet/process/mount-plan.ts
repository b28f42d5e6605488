// How a process gets its volumes at the paths it expects: as steps inside a private mount namespace.
// Pure planning; what exists and what is mounted is handed in, and nothing is mounted here.
import { dirname } from 'node:path';
import type { Mount } from '../runtime.ts';
import { quote } from './quote.ts';

export interface MountFacts {
  exists(path: string): boolean;
  isFile(path: string): boolean;
  /** Whether something else is mounted below the path: an overlay would hide it. */
  hasMountsBelow(path: string): boolean;
  /** Whether overlays can be made. */
  readonly overlay: boolean;
  /** Whether the process can be given another root directory. */
  readonly newRoot: boolean;
  /** What must stay reachable under its own path: the data directory, and what the process is started from. */
  readonly keep: readonly string[];
}

export interface MountPlan {
  /** Shell commands, in order; empty when there is nothing to mount. */
  readonly script: readonly string[];
  readonly unreachable: readonly { readonly mount: Mount; readonly why: string }[];
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
  if (base === '/') {
    return facts.newRoot ? undefined : 'it would have to be created in the root directory of the machine';
  }
  if (!facts.overlay) return 'the kernel does not allow overlays here';
  const below = facts.keep.find((path) => holds(base, path));
  if (below !== undefined) return `${below} lies below ${base}`;
  if (facts.hasMountsBelow(base)) return `other file systems are mounted below ${base}`;
  return undefined;
}

/**
 * A path that exists is bound over; one that does not is made inside a throw-away overlay of its nearest directory (or,
 * below `/`, in a throw-away root that shows everything of the machine's), so that nothing is ever written to the
 * machine's own tree. `scratch` and `scratch-root` are existing empty directories.
 */
export function planMounts(mounts: readonly Mount[], scratch: string, facts: MountFacts): MountPlan {
  const overlays = new Set<string>();
  const binds: string[] = [];
  const unreachable: { mount: Mount; why: string }[] = [];
  for (const mount of mounts) {
    const { source, mountPath, readOnly } = mount;
    const hidden = facts.keep.find((path) => holds(mountPath, path));
    if (hidden !== undefined) {
      unreachable.push({ mount, why: `it would hide ${hidden}` });
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
  const root = overlays.delete('/') ? newRootSteps(`${scratch}-root`) : [];
  return { script: [...root, ...overlaySteps(overlays, scratch), ...binds], unreachable };
}

/** A root in memory where everything of the old one stands by bind mounts, and new directories may be made. */
function newRootSteps(root: string): string[] {
  return [
    `mount -t tmpfs -o mode=755 none ${quote(root)}`,
    'cd /',
    'for entry in * .[!.]*; do',
    `  at=${quote(root)}/"$entry"`,
    '  if [ -L "$entry" ]; then cp -P "$entry" "$at"',
    '  elif [ -d "$entry" ]; then mkdir "$at"; mount --rbind "/$entry" "$at"',
    '  elif [ -f "$entry" ]; then : > "$at"; mount --bind "/$entry" "$at"',
    '  fi',
    'done',
    `cd ${quote(root)}`,
    'mkdir .old-root',
    'pivot_root . .old-root',
    'cd /',
    'umount -l /.old-root',
    'rmdir /.old-root',
  ];
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
