// From a container as the pod writes it to a running one: image, environment, command, directories, start.
// Knows nothing of restarts and statuses; what stands in the way is thrown with the reason to show.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod, Service } from 'kubernetes-types/core/v1.js';
import { ContainerConfigError, containerEnv, type ObjectSource } from '../env/container-env.ts';
import { expand } from '../env/expansion.ts';
import type { PodFacts } from '../env/field-ref.ts';
import { serviceVariables } from '../env/service-env.ts';
import { type ImageMap, missingImageMessage, type ProcessImage, resolveImage } from '../images.ts';
import { hookEnvironment, type LoopbackHook } from '../loopback/environment.ts';
import { ContainerStartError, type Mount, type RunningContainer, type Runtime } from '../runtime.ts';

/** Why a container cannot start, in the words of its `waiting` state. */
export class StartFailure extends Error {
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'CreateContainerConfigError' | 'RunContainerError';

  constructor(reason: StartFailure['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface StarterDependencies {
  readonly runtime: Runtime;
  readonly images: () => ImageMap;
  readonly objects: ObjectSource;
  readonly services: () => readonly Service[];
  readonly loopback: LoopbackHook;
}

export interface StartInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly facts: PodFacts;
  /** Where each of the pod's volumes lies. */
  readonly volumes: ReadonlyMap<string, string>;
  /** The container's own directory: working directory when nothing else is named, and its termination message. */
  readonly containerDir: string;
  readonly logPath: string;
}

/** The file a container may leave its last words in; named by this variable, as no path of its own is mounted. */
const TERMINATION_VARIABLE = 'EVENKEEL_TERMINATION_LOG';

export function terminationFile(containerDir: string): string {
  return join(containerDir, 'termination-log');
}

function commandOf(container: Container, image: ProcessImage, lookup: (name: string) => string | undefined): string[] {
  const own = container.command ?? [];
  const base = own.length > 0 ? own.map((part) => expand(part, lookup)) : [...image.command];
  return [...base, ...(container.args ?? []).map((part) => expand(part, lookup))];
}

function mountsOf(container: Container, volumes: ReadonlyMap<string, string>): Mount[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath = '', readOnly = false }) => {
    const source = volumes.get(name);
    return source === undefined ? [] : [{ volume: name, source: join(source, subPath), mountPath, readOnly }];
  });
}

/** `EVENKEEL_MOUNT_<VOLUME>`: where a volume lies for a process that has no mount namespace of its own. */
function mountVariables(mounts: readonly Mount[]): Record<string, string> {
  const name = (volume: string): string => `EVENKEEL_MOUNT_${volume.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
  return Object.fromEntries(mounts.map((mount) => [name(mount.volume), mount.source]));
}

/** What every process needs and takes from the machine; nothing else of our own environment is handed on. */
function baseEnvironment(pod: Pod, containerDir: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: process.env.HOME ?? containerDir,
    LANG: process.env.LANG ?? 'C.UTF-8',
    TMPDIR: join(containerDir, 'tmp'),
    HOSTNAME: pod.spec?.hostname ?? pod.metadata?.name ?? '',
    [TERMINATION_VARIABLE]: terminationFile(containerDir),
  };
}

/** The process an image stands for; throws `StartFailure`. */
export function findImage(images: ImageMap, container: Container): ProcessImage {
  const image = container.image ?? '';
  const found = resolveImage(images, image);
  if (found !== undefined) return found;
  if (container.imagePullPolicy === 'Never') {
    throw new StartFailure(
      'ErrImageNeverPull',
      `Container image "${image}" is not present with pull policy of Never: ${missingImageMessage(image)}`,
    );
  }
  throw new StartFailure('ErrImagePull', missingImageMessage(image));
}

/** Starts the container; throws `StartFailure`. */
export async function startContainer(input: StartInput, deps: StarterDependencies): Promise<RunningContainer> {
  const { pod, container, facts, volumes, containerDir, logPath } = input;
  const namespace = pod.metadata?.namespace ?? '';
  const image = findImage(deps.images(), container);
  const services = serviceVariables(deps.services(), namespace, pod.spec?.enableServiceLinks !== false);
  try {
    const own = await containerEnv({ pod, container, facts, services, objects: deps.objects });
    const mounts = mountsOf(container, volumes);
    mkdirSync(containerDir, { recursive: true });
    const env = {
      ...baseEnvironment(pod, containerDir),
      ...image.env,
      ...mountVariables(mounts),
      ...own,
    };
    return await deps.runtime.start({
      podUid: pod.metadata?.uid ?? '',
      podName: pod.metadata?.name ?? '',
      namespace,
      name: container.name,
      command: commandOf(container, image, (name) => own[name]),
      workingDir: container.workingDir ?? image.workingDir ?? containerDir,
      env: {
        ...env,
        ...hookEnvironment(deps.loopback, { namespace, podIp: facts.podIp, nodeOptions: env.NODE_OPTIONS }),
      },
      mounts,
      logPath,
    });
  } catch (error) {
    if (error instanceof ContainerConfigError) throw new StartFailure('CreateContainerConfigError', error.message);
    if (error instanceof ContainerStartError) throw new StartFailure('RunContainerError', error.message);
    throw error;
  }
}
