// A pod's volumes as directories below the kubelet's data directory, made, refreshed and removed.
// Knows no containers: how a process finds them is the starter's and the runtime's matter.
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPathVolumeSource, Pod, Volume } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';
import { podLimits } from '../cgroup/limits.ts';
import type { PodFacts } from '../env/field-ref.ts';
import { writeAtomically } from './atomic-writer.ts';
import { mountMemory, unmountBelow } from './memory-volume.ts';
import { giveToGroup } from './ownership.ts';
import { type PayloadInput, VolumeError, volumePayload } from './payload.ts';
import { persistentSource, type StorageSource, UnboundClaimError } from './persistent.ts';

export { VolumeError };

export interface PodVolumes {
  /** Makes every volume or brings its files up to date; resolves with the directory of each. Throws `VolumeError`. */
  mount(facts: PodFacts): Promise<ReadonlyMap<string, string>>;
  /** Removes them with all they hold. */
  unmount(): void;
}

const FOLDER = {
  configMap: 'kubernetes.io~configmap',
  secret: 'kubernetes.io~secret',
  emptyDir: 'kubernetes.io~empty-dir',
  downwardAPI: 'kubernetes.io~downward-api',
  projected: 'kubernetes.io~projected',
} as const;

/** Where an emptyDir lies. */
export function emptyDirPath(podDir: string, name: string): string {
  return join(podDir, 'volumes', FOLDER.emptyDir, name);
}

function folderOf(volume: Volume): string | undefined {
  for (const kind of Object.keys(FOLDER) as (keyof typeof FOLDER)[])
    if (volume[kind] !== undefined) return FOLDER[kind];
  return undefined;
}

function hostPath(volume: Volume, source: HostPathVolumeSource): string {
  const { path, type = '' } = source;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined && type === 'DirectoryOrCreate') mkdirSync(path, { recursive: true, mode: 0o755 });
  else if (stat === undefined && type === 'FileOrCreate') writeFileSync(path, '', { mode: 0o644 });
  else if (stat === undefined && type !== '') {
    throw new VolumeError(`hostPath type check failed for volume "${volume.name}": ${path} does not exist`);
  } else if ((type === 'Directory' || type === 'DirectoryOrCreate') && stat?.isDirectory() === false) {
    throw new VolumeError(`hostPath type check failed for volume "${volume.name}": ${path} is not a directory`);
  } else if ((type === 'File' || type === 'FileOrCreate') && stat?.isFile() === false) {
    throw new VolumeError(`hostPath type check failed for volume "${volume.name}": ${path} is not a file`);
  }
  return path;
}

/** As upstream: the least of what the volume says, the pod may use and the node has. In bytes. */
function memorySize({ emptyDir }: Volume, pod: Pod, { allocatable }: PodFacts): number {
  const bounds = [emptyDir?.sizeLimit ?? '0', allocatable.memory ?? '0'].map((text) => parseQuantity(text).value());
  return Math.min(...[...bounds, podLimits(pod, 0).memoryBytes ?? 0].filter((bytes) => bytes > 0));
}

/** Volumes of one pod below `podDir`. */
export function podVolumes(
  podDir: string,
  input: Omit<PayloadInput, 'facts'> & { readonly storage: StorageSource },
): PodVolumes {
  const root = join(podDir, 'volumes');
  const fsGroup = input.pod.spec?.securityContext?.fsGroup;
  const group = (dir: string, readOnly: boolean): void => {
    // Without root, containers are who we are, and there is nobody to give files to.
    if (fsGroup !== undefined && process.getuid?.() === 0) giveToGroup(dir, fsGroup, readOnly);
  };
  const persistent = async (volume: Volume): Promise<string> => {
    const source = await persistentSource(input.storage, input.pod, volume);
    const isNew = !existsSync(source.path);
    const dir = hostPath(volume, source);
    if (isNew) chmodSync(dir, 0o777);
    group(dir, false);
    return dir;
  };
  const make = async (volume: Volume, facts: PodFacts): Promise<string> => {
    if (volume.hostPath !== undefined) return hostPath(volume, volume.hostPath);
    if (volume.persistentVolumeClaim !== undefined) return persistent(volume);
    const folder = folderOf(volume);
    if (folder === undefined) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'empty';
      throw new VolumeError(
        `volume "${volume.name}" is of a kind that this node cannot provide: ${kind}; ` +
          'it has configMap, secret, downwardAPI, projected, emptyDir, hostPath and persistentVolumeClaim',
      );
    }
    const { medium = '' } = volume.emptyDir ?? {};
    if (medium !== '' && medium !== 'Memory') {
      throw new VolumeError(`emptyDir is on the disk or in memory: medium ${JSON.stringify(medium)} cannot be had`);
    }
    const dir = join(root, folder, volume.name);
    const payload = await volumePayload({ ...input, facts }, volume);
    if (payload !== undefined) {
      writeAtomically(dir, payload, (fresh) => group(fresh, true));
      return dir;
    }
    const isNew = !existsSync(dir);
    if (isNew) {
      mkdirSync(dir, { recursive: true });
      // Whatever the umask: the user of the container is somebody else.
      chmodSync(dir, 0o777);
    }
    // Where it cannot be had the volume is on the disk, as it is without a medium.
    const inMemory = medium === 'Memory' && (await mountMemory(dir, memorySize(volume, input.pod, facts)));
    if (isNew || inMemory) group(dir, false);
    return dir;
  };
  return {
    async mount(facts) {
      const dirs = new Map<string, string>();
      for (const volume of input.pod.spec?.volumes ?? []) {
        try {
          dirs.set(volume.name, await make(volume, facts));
        } catch (error) {
          if (error instanceof UnboundClaimError || !(error instanceof VolumeError)) throw error;
          throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
        }
      }
      return dirs;
    },
    unmount() {
      input.tokens.forget(input.pod.metadata?.uid ?? '');
      unmountBelow(root);
      rmSync(root, { recursive: true, force: true });
    },
  };
}
