// From a container as the pod writes it to a running one: image, environment, command, directories, start.
// Knows nothing of restarts and statuses; what stands in the way is thrown with the reason to show.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod, Service } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';
import { containerLimits, podLimits } from '../cgroup/limits.ts';
import { oomScoreAdj } from '../cgroup/oom-score.ts';
import { ContainerConfigError, containerEnv, type ObjectSource } from '../env/container-env.ts';
import { expand } from '../env/expansion.ts';
import type { PodFacts } from '../env/field-ref.ts';
import { serviceVariables } from '../env/service-env.ts';
import { type Image, ImageError } from '../image/image-service.ts';
import { hookEnvironment, type LoopbackHook } from '../loopback/environment.ts';
import { ContainerStartError, type Mount, type RunningContainer, type Runtime, type Sandbox } from '../runtime.ts';
import { mountsOf } from './container-mounts.ts';
import { checkSysctls } from './isolation.ts';
import { asNobody, checkNonRoot, securityOf } from './security.ts';

/** Why a container cannot start, in the words of its `waiting` state. */
export class StartFailure extends Error {
  readonly reason: ImageError['reason'] | 'CreateContainerConfigError' | 'RunContainerError';

  constructor(reason: StartFailure['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface StarterDependencies {
  readonly runtime: Runtime;
  readonly objects: ObjectSource;
  readonly services: () => readonly Service[];
  /** For pods that live on the loopback device. */
  readonly loopback: LoopbackHook | undefined;
  /** Most processes and threads of a pod. */
  readonly podPidsLimit: number;
}

export interface StartInput {
  readonly pod: Pod;
  readonly container: Container;
  /** It is there to do something and end, rather than to serve. */
  readonly task: boolean;
  readonly facts: PodFacts;
  readonly sandbox: Sandbox;
  /** Where each of the pod's volumes lies. */
  readonly volumes: ReadonlyMap<string, string>;
  /** The container's own directory: working directory when nothing else is named, and its termination message. */
  readonly containerDir: string;
  readonly logPath: string;
  /** The container whose processes it is to see; without an id while that one does not run. */
  readonly target?: { readonly name: string; readonly id: string | undefined };
}

/** The file a container may leave its last words in; named by this variable, as no path of its own is mounted. */
const TERMINATION_VARIABLE = 'EVENKEEL_TERMINATION_LOG';

export function terminationFile(containerDir: string): string {
  return join(containerDir, 'termination-log');
}

/** As upstream: `command` replaces the image's entrypoint and its arguments, `args` its arguments alone. */
function commandOf(container: Container, image: Image, lookup: (name: string) => string | undefined): string[] {
  const expanded = (parts: readonly string[]): string[] => parts.map((part) => expand(part, lookup));
  const { command = [], args = [] } = container;
  if (image.stub) return [...image.entrypoint];
  if (command.length > 0) return expanded([...command, ...args]);
  return [...image.entrypoint, ...(args.length > 0 ? expanded(args) : image.args)];
}

/** `EVENKEEL_MOUNT_<VOLUME>`: where a process finds a volume that does not stand at its path, or does. */
function mountVariables(mounts: readonly Mount[], atTheirPaths: boolean): Record<string, string> {
  const name = (volume: string): string => `EVENKEEL_MOUNT_${volume.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
  return Object.fromEntries(mounts.map((mount) => [name(mount.volume), atTheirPaths ? mount.mountPath : mount.source]));
}

/** Where the files for talking to the API are, for a container that has no root of its own to find them in. */
const ACCOUNT_VARIABLE = 'EVENKEEL_SERVICE_ACCOUNT';
const ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What is added to every pod stands in an overlay over the machine's /run only in containers that have a root. */
function accountVariable(mounts: readonly Mount[]): Record<string, string> {
  const account = mounts.find(({ mountPath }) => mountPath === ACCOUNT_PATH);
  return account === undefined ? {} : { [ACCOUNT_VARIABLE]: account.source };
}

/** What every process needs and takes from the machine; nothing else of our own environment is handed on. */
function baseEnvironment(hostname: string, containerDir: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: process.env.HOME ?? containerDir,
    LANG: process.env.LANG ?? 'C.UTF-8',
    TMPDIR: join(containerDir, 'tmp'),
    HOSTNAME: hostname,
    [TERMINATION_VARIABLE]: terminationFile(containerDir),
  };
}

/** The same for a process that has the machine's programs, but a root of its own. */
function isolatedEnvironment(container: Container, hostname: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    LANG: process.env.LANG ?? 'C.UTF-8',
    HOSTNAME: hostname,
    [TERMINATION_VARIABLE]: terminationPath(container),
  };
}

function terminationPath(container: Container): string {
  return container.terminationMessagePath ?? '/dev/termination-log';
}

/** A container with a root of its own finds the file for its last words where Kubernetes says. */
function lastWords(container: Container, containerDir: string): Mount {
  const source = terminationFile(containerDir);
  writeFileSync(source, '');
  // Whoever the container runs as is to have a last word.
  chmodSync(source, 0o666);
  return { volume: 'termination-log', source, mountPath: terminationPath(container), readOnly: false };
}

/** Of a pod whose containers name ports, those that name none do not serve; and where none does, only the first may. */
function standsAside(pod: Pod, { name }: Container): boolean {
  const { containers = [] } = pod.spec ?? {};
  return containers[0]?.name !== name || containers.some(({ ports = [] }) => ports.length > 0);
}

async function ensureImage(pod: Pod, container: Container, task: boolean, runtime: Runtime): Promise<Image> {
  const image = container.image ?? '';
  try {
    return await runtime.images.ensure({
      image,
      task,
      pullPolicy: (container.imagePullPolicy ?? 'IfNotPresent') as 'Always' | 'IfNotPresent' | 'Never',
      ports: (container.ports ?? []).map(({ containerPort, protocol = 'TCP' }) => ({ containerPort, protocol })),
      aside: standsAside(pod, container),
    });
  } catch (error) {
    if (error instanceof ImageError) throw new StartFailure(error.reason, error.message);
    throw error;
  }
}

/** Starts the container; throws `StartFailure`. */
export async function startContainer(
  input: StartInput,
  deps: StarterDependencies,
): Promise<{ running: RunningContainer; image: Image }> {
  const { pod, container, facts, sandbox, volumes, containerDir, logPath, target } = input;
  if (target !== undefined && target.id === undefined) {
    throw new StartFailure('CreateContainerConfigError', `unable to find target container "${target.name}"`);
  }
  const namespace = pod.metadata?.namespace ?? '';
  const image = asNobody(pod, container, await ensureImage(pod, container, input.task, deps.runtime));
  const services = serviceVariables(deps.services(), namespace, pod.spec?.enableServiceLinks !== false);
  try {
    const own = await containerEnv({ pod, container, facts, services, objects: deps.objects });
    mkdirSync(containerDir, { recursive: true });
    const security = securityOf(pod, container);
    const isolated = sandbox.isolation !== undefined && !image.engine;
    // Plain processes are whoever we are; there is nothing to check then, and nothing to set.
    if (isolated || image.engine) checkNonRoot(pod, container, security, image);
    if (sandbox.isolation !== undefined) checkSysctls(pod, sandbox.isolation);
    const plain = !isolated && !image.engine;
    const allMounts = mountsOf(pod, container, volumes, own);
    const volumeMounts = plain ? allMounts.filter(({ mountPath }) => mountPath !== ACCOUNT_PATH) : allMounts;
    const mounts = plain ? volumeMounts : [...volumeMounts, lastWords(container, containerDir)];
    const { hostname } = sandbox;
    const base = isolated ? isolatedEnvironment(container, hostname) : baseEnvironment(hostname, containerDir);
    const env: Record<string, string> = image.engine
      ? { HOSTNAME: hostname, ...image.env, ...own }
      : {
          ...base,
          ...image.env,
          ...(plain ? accountVariable(allMounts) : {}),
          ...mountVariables(volumeMounts, isolated),
          ...own,
        };
    const podIp = sandbox.podIps[0] ?? '';
    const running = await deps.runtime.start({
      podUid: pod.metadata?.uid ?? '',
      podName: pod.metadata?.name ?? '',
      namespace,
      name: container.name,
      sandbox,
      image,
      command: commandOf(container, image, (name) => own[name]),
      workingDir: container.workingDir || image.workingDir || (isolated || image.engine ? '/' : containerDir),
      env: {
        ...env,
        // In a network of its own a pod needs no help to be at its address.
        ...(deps.loopback === undefined || sandbox.netns !== undefined || isolated || image.engine
          ? {}
          : hookEnvironment(deps.loopback, { namespace, podIp, nodeOptions: env.NODE_OPTIONS })),
      },
      mounts,
      stdin: container.stdin === true,
      stdinOnce: container.stdinOnce === true,
      tty: container.tty === true,
      logPath,
      ...(target?.id === undefined ? {} : { sees: target.id }),
      limits: containerLimits(container),
      podLimits: podLimits(pod, deps.podPidsLimit),
      security,
      oomScoreAdj: oomScoreAdj(pod, container, Number(parseQuantity(facts.allocatable.memory ?? '1').value())),
    });
    return { running, image };
  } catch (error) {
    if (error instanceof ContainerConfigError) throw new StartFailure('CreateContainerConfigError', error.message);
    if (error instanceof ContainerStartError) throw new StartFailure('RunContainerError', error.message);
    throw error;
  }
}
