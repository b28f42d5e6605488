// Where the cluster's own keys would be seen in a volume that has more of the machine than a pod needs, as "/".
// Pure; knows paths only.
import type { Mount } from './runtime.ts';

function holds(parent: string, path: string): boolean {
  return path === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/**
 * Paths in the container at which something empty has to lie over directories of `hidden`. None in a volume whose mounts
 * are the node's as well (`Bidirectional`): it would be hidden there, too.
 */
export function hiddenInVolumes(mounts: readonly Mount[], hidden: readonly string[]): string[] {
  const outermost = hidden.filter((dir) => !hidden.some((other) => other !== dir && holds(other, dir)));
  const found = mounts.flatMap((mount) => {
    const { source, mountPath, propagation } = mount;
    if (propagation === 'Bidirectional') return [];
    return (
      [...new Set(outermost)]
        .filter((dir) => holds(source, dir))
        .map((dir) => `${mountPath}${source === '/' ? dir : dir.slice(source.length)}`)
        // Another volume is there, or below.
        .filter((path) => !mounts.some((other) => other !== mount && holds(path, other.mountPath)))
    );
  });
  return [...new Set(found)];
}
