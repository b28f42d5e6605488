// Which directory or file of a volume a container sees at which path.
// Knows volumes as directories; mounts nothing.
import { chmodSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container, Pod, VolumeMount } from 'kubernetes-types/core/v1.js';
import { ContainerConfigError } from '../env/container-env.ts';
import { expand } from '../env/expansion.ts';
import type { Mount } from '../runtime.ts';

/** The part of the volume that is asked for; `$(NAME)` stands for the container's variables. */
function subPathOf(mount: VolumeMount, env: Readonly<Record<string, string>>): string {
  const { subPath, subPathExpr } = mount;
  if (subPathExpr === undefined || subPathExpr === '') return subPath ?? '';
  const unknown: string[] = [];
  const path = expand(subPathExpr, (name) => {
    if (!Object.hasOwn(env, name)) unknown.push(name);
    return env[name];
  });
  if (unknown.length > 0) {
    throw new ContainerConfigError(`missing value for "${unknown[0]}" in subPathExpr "${subPathExpr}" of volumeMount`);
  }
  return path;
}

/** Made when it is not there, as upstream; what a link leads out of the volume to is refused. */
function insideVolume(volume: string, path: string, mount: VolumeMount, container: Container): string {
  const what = `for volumeMount "${mount.name}" of container "${container.name}"`;
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new ContainerConfigError(`failed to prepare subPath ${what}: "${path}" must be a relative path without ".."`);
  }
  const root = realpathSync(volume);
  const wanted = join(root, path);
  let known = wanted;
  while (statSync(known, { throwIfNoEntry: false }) === undefined) known = dirname(known);
  const real = realpathSync(known);
  if (real !== root && !real.startsWith(`${root}/`)) {
    throw new ContainerConfigError(`failed to prepare subPath ${what}: "${path}" leads out of the volume`);
  }
  if (known === wanted) return wanted;
  mkdirSync(wanted, { recursive: true });
  // As open as the volume: the user of the container is to write there as well.
  const { mode } = statSync(real);
  for (let at = wanted; at !== known; at = dirname(at)) chmodSync(at, mode & 0o7777);
  return wanted;
}

/** What the API says is no container's to change; a claim may be taken to be read alone. Upstream: each volume's GetAttributes. */
function isReadOnly({ spec }: Pod, name: string): boolean {
  const volume = spec?.volumes?.find((each) => each.name === name);
  if (volume === undefined) return false;
  const { configMap, secret, downwardAPI, projected, persistentVolumeClaim } = volume;
  return (configMap ?? secret ?? downwardAPI ?? projected) !== undefined || persistentVolumeClaim?.readOnly === true;
}

/** Throws `ContainerConfigError`. Volumes that are not there are left out; validation has refused them. */
export function mountsOf(
  pod: Pod,
  container: Container,
  volumes: ReadonlyMap<string, string>,
  env: Readonly<Record<string, string>>,
): Mount[] {
  return (container.volumeMounts ?? []).flatMap((mount) => {
    const { name, mountPath } = mount;
    const readOnly = mount.readOnly === true || isReadOnly(pod, name);
    const volume = volumes.get(name);
    if (volume === undefined) return [];
    const subPath = subPathOf(mount, env);
    const source = subPath === '' ? volume : insideVolume(volume, subPath, mount, container);
    const at = mountPath.startsWith('/') ? mountPath : `/${mountPath}`;
    return [{ volume: name, source, mountPath: at, readOnly, ...beneath(mount) }];
  });
}

/** What is to become of mounts below the volume. */
function beneath({ mountPropagation, recursiveReadOnly }: VolumeMount): Partial<Mount> {
  if (mountPropagation === 'HostToContainer' || mountPropagation === 'Bidirectional') {
    return { propagation: mountPropagation };
  }
  return recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible' ? { recursiveReadOnly: true } : {};
}
