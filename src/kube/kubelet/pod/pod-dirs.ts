// The directories that pods have on this node: those of pods that are gone go at the start.
// Knows names and places only; a running pod removes its own.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unmountBelow } from '../volumes/memory-volume.ts';

/** `live`: uids of the pods that may yet need theirs. Returns how many were removed. */
export function sweepPodDirs(dataDir: string, live: ReadonlySet<string>): number {
  const pods = join(dataDir, 'pods');
  let names: string[];
  try {
    names = readdirSync(pods);
  } catch {
    // No pod has run here yet.
    return 0;
  }
  const gone = names.filter((name) => !live.has(name));
  // Volumes in memory stay mounted when the kubelet is killed; those of pods that go on are theirs still.
  for (const name of gone) {
    unmountBelow(join(pods, name));
    rmSync(join(pods, name), { recursive: true, force: true });
  }
  return gone.length;
}
