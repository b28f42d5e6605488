// How the two engines want a container described: podman in its own words, docker in the ones both understand.
// Pure; knows no socket.
import { type ContainerSpec, ContainerStartError, type Sandbox } from '../runtime.ts';

export type EngineKind = 'podman' | 'docker';

/** Marks containers as ours, by the node that they belong to. */
export const OWNER_LABEL = 'dev.evenkeel.node';

export interface Described {
  readonly path: string;
  readonly body: unknown;
}

export interface DescribeOptions {
  readonly owner: string;
  readonly name: string;
  /** Files and processes that this process may hand on at most: an engine that asks for more is refused by the kernel. */
  readonly ulimits: readonly { readonly name: 'nofile' | 'nproc'; readonly max: number }[];
  /** Lowest `oomScoreAdj` that this process may hand on. */
  readonly oomScoreMin: number;
  /** File of the network namespace that the container joins; the engine's own, which is the machine's, when left out. */
  readonly netns?: string;
  /** Id of the container that docker's containers join in the pod's namespaces. */
  readonly sandbox?: string;
}

/** Every path of an engine's API begins with this. */
export function apiPrefix(kind: EngineKind): string {
  return kind === 'podman' ? '/v4.0.0' : '/v1.40';
}

/** The request that creates a container. Throws `ContainerStartError` for what the engine has no word for. */
export function describe(kind: EngineKind, spec: ContainerSpec, options: DescribeOptions): Described {
  return kind === 'podman' ? forPodman(spec, options) : forDocker(spec, options);
}

function labelsOf(spec: ContainerSpec, owner: string): Record<string, string> {
  return {
    [OWNER_LABEL]: owner,
    'io.kubernetes.pod.name': spec.podName,
    'io.kubernetes.pod.namespace': spec.namespace,
    'io.kubernetes.pod.uid': spec.podUid,
    'io.kubernetes.container.name': spec.name,
  };
}

/** Bind mounts, those of the pod's own `/etc` files and of its shared memory among them. */
function bindsOf(spec: ContainerSpec): { source: string; destination: string; options: string[] }[] {
  const { mounts, sandbox, podIpc } = spec;
  const own: Readonly<Record<string, string | undefined>> = {
    '/etc/resolv.conf': sandbox.etc?.resolvConf,
    '/etc/hosts': sandbox.etc?.hosts,
    '/etc/hostname': sandbox.etc?.hostname,
    '/dev/shm': podIpc?.shm,
  };
  const files = Object.entries(own).flatMap(([destination, source]) =>
    // A volume at the same place is what the container asks for.
    source === undefined || mounts.some(({ mountPath }) => mountPath === destination)
      ? []
      : [{ source, destination, options: ['rw'] }],
  );
  const spread = { HostToContainer: 'rslave', Bidirectional: 'rshared' } as const;
  return [
    ...files,
    ...mounts.map(({ source, mountPath, readOnly, propagation }) => ({
      source,
      destination: mountPath,
      options: [readOnly ? 'ro' : 'rw', ...(propagation === undefined ? [] : [spread[propagation]])],
    })),
  ];
}

interface EngineRights {
  /** `uid:gid`; that of the image when left out. */
  readonly user?: string;
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/** Engines have a default set of their own, so what a container may do is said in full. */
function rightsOf({ security }: ContainerSpec): EngineRights {
  const { user, group, capabilities } = security;
  const names = capabilities
    .filter((name) => !name.startsWith('-'))
    .map((name) => (name === 'ALL' ? name : `CAP_${name}`));
  const without = capabilities.filter((name) => name.startsWith('-')).map((name) => `CAP_${name.slice(1)}`);
  const all = names.includes('ALL');
  return {
    // A group without a user is for root, as an engine has no way to name it alone.
    ...(user === undefined && group === undefined
      ? {}
      : { user: `${user ?? 0}${group === undefined ? '' : `:${group}`}` }),
    add: names,
    drop: all ? without : ['ALL'],
  };
}

/** Whose processes the container sees; its own when left out. */
function processesOf({ sees, seesProcess, podPidNamespace, sandbox }: ContainerSpec): Namespace | undefined {
  if ((sandbox.isolation ?? sandbox.asked)?.pid === 'host') return { nsmode: 'host' };
  if (seesProcess !== undefined) {
    // A plain process has no namespace of its own.
    return sandbox.isolation === undefined
      ? { nsmode: 'host' }
      : { nsmode: 'path', value: `/proc/${seesProcess}/ns/pid` };
  }
  if (podPidNamespace !== undefined) return { nsmode: 'path', value: podPidNamespace };
  return sees === undefined ? undefined : { nsmode: 'container', value: sees };
}

function hasMemoryOfHost({ isolation, asked }: Sandbox): boolean {
  return (isolation ?? asked)?.ipc === 'host';
}

interface Namespace {
  readonly nsmode: 'host' | 'path' | 'container';
  readonly value?: string;
}

function forPodman(spec: ContainerSpec, options: DescribeOptions): Described {
  const { limits, sandbox, security } = spec;
  const rights = rightsOf(spec);
  const processes = processesOf(spec);
  const [program = '', ...args] = spec.command;
  return {
    path: `${apiPrefix('podman')}/libpod/containers/create`,
    body: {
      name: options.name,
      image: spec.image.id,
      entrypoint: [program],
      command: args,
      stdin: spec.stdin === true,
      terminal: spec.tty === true,
      // Its output comes to us and is kept in the pod's log; the engine would keep it again, and without a bound.
      log_configuration: { driver: 'none' },
      env: spec.env,
      // What we do not name is not to come from the machine.
      env_host: false,
      work_dir: spec.workingDir,
      labels: labelsOf(spec, options.owner),
      ...(options.netns === undefined
        ? { netns: { nsmode: 'host' } }
        : { netns: { nsmode: 'path', value: options.netns }, hostname: sandbox.hostname }),
      ...(processes === undefined ? {} : { pidns: processes }),
      ...(hasMemoryOfHost(sandbox) ? { ipcns: { nsmode: 'host' } } : {}),
      ...(spec.podIpc?.namespace === undefined ? {} : { ipcns: { nsmode: 'path', value: spec.podIpc.namespace } }),
      sysctl: sandbox.isolation?.sysctls ?? {},
      ...(sandbox.etc === undefined ? {} : { use_image_hosts: true, use_image_resolve_conf: true }),
      mounts: bindsOf(spec).map(({ source, destination, options: how }) => ({
        type: 'bind',
        source,
        destination,
        options: ['rbind', ...how],
      })),
      resource_limits: {
        cpu: {
          shares: limits.cpuShares,
          ...(limits.cpuMillis === undefined ? {} : { period: 100_000, quota: limits.cpuMillis * 100 }),
        },
        ...(limits.memoryBytes === undefined ? {} : { memory: { limit: limits.memoryBytes } }),
        ...(spec.podLimits.pids === undefined ? {} : { pids: { limit: spec.podLimits.pids } }),
      },
      oom_score_adj: Math.max(spec.oomScoreAdj, options.oomScoreMin),
      ...(rights.user === undefined ? {} : { user: rights.user }),
      groups: security.groups.map(String),
      cap_add: rights.add,
      cap_drop: rights.drop,
      privileged: security.privileged,
      no_new_privileges: security.noNewPrivileges,
      read_only_filesystem: security.readOnlyRoot,
      r_limits: options.ulimits.map(({ name, max }) => ({ type: name, soft: max, hard: max })),
    },
  };
}

function pidModeOf({ nsmode, value }: Namespace): string {
  if (nsmode === 'path') {
    throw new ContainerStartError(
      'docker shows a container only the processes of containers that docker runs: take an image of docker for both, or podman',
    );
  }
  return value === undefined ? nsmode : `${nsmode}:${value}`;
}

/** What docker's containers share with their pod, by the one that has gone into its namespaces. */
function sharedInDocker(spec: ContainerSpec, sandbox: string | undefined): object {
  const { isolation } = spec.sandbox;
  const pod = sandbox === undefined ? undefined : `container:${sandbox}`;
  const seen = processesOf(spec);
  return {
    NetworkMode: pod ?? 'host',
    ...(pod === undefined ? {} : { IpcMode: pod }),
    ...(hasMemoryOfHost(spec.sandbox) ? { IpcMode: 'host' } : {}),
    ...(pod === undefined || isolation?.pid !== 'pod' ? {} : { PidMode: pod }),
    ...(seen === undefined ? {} : { PidMode: pidModeOf(seen) }),
    Sysctls: isolation?.sysctls ?? {},
  };
}

function forDocker(spec: ContainerSpec, options: DescribeOptions): Described {
  const { limits, security } = spec;
  const rights = rightsOf(spec);
  const [program = '', ...args] = spec.command;
  return {
    path: `${apiPrefix('docker')}/containers/create?name=${encodeURIComponent(options.name)}`,
    body: {
      Image: spec.image.id,
      Entrypoint: [program],
      Cmd: args,
      OpenStdin: spec.stdin === true,
      // Ours is the only input that is ever attached, and we end it when the container's is to end.
      StdinOnce: spec.stdin === true,
      Tty: spec.tty === true,
      Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
      WorkingDir: spec.workingDir,
      Labels: labelsOf(spec, options.owner),
      ...(rights.user === undefined ? {} : { User: rights.user }),
      HostConfig: {
        GroupAdd: security.groups.map(String),
        CapAdd: rights.add,
        CapDrop: rights.drop,
        Privileged: security.privileged,
        ReadonlyRootfs: security.readOnlyRoot,
        SecurityOpt: security.noNewPrivileges ? ['no-new-privileges'] : [],
        ...sharedInDocker(spec, options.sandbox),
        // Its output comes to us and is kept in the pod's log; the engine would keep it again, and without a bound.
        LogConfig: { Type: 'none' },
        Binds: bindsOf(spec).map(
          ({ source, destination, options: how }) => `${source}:${destination}:${how.join(',')}`,
        ),
        CpuShares: limits.cpuShares,
        ...(limits.cpuMillis === undefined ? {} : { NanoCpus: limits.cpuMillis * 1_000_000 }),
        ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes }),
        ...(spec.podLimits.pids === undefined ? {} : { PidsLimit: spec.podLimits.pids }),
        OomScoreAdj: Math.max(spec.oomScoreAdj, options.oomScoreMin),
        Ulimits: options.ulimits.map(({ name, max }) => ({ Name: name, Soft: max, Hard: max })),
      },
    },
  };
}

/** As upstream: among the last that the kernel ends. */
const SANDBOX_OOM_SCORE = -998;

export interface SandboxOptions extends Pick<DescribeOptions, 'owner' | 'name' | 'oomScoreMin'> {
  readonly image: string;
  readonly program: string;
  /** File of the network namespace that it goes into. */
  readonly netns: string;
}

/** The request that creates the container whose namespaces the others of the pod join. */
export function describeSandbox(spec: ContainerSpec, options: SandboxOptions): Described {
  const inside = '/netns';
  return {
    path: `${apiPrefix('docker')}/containers/create?name=${encodeURIComponent(options.name)}`,
    body: {
      Image: options.image,
      Entrypoint: [options.program],
      Cmd: [inside],
      // Those who join its network have its name as well.
      Hostname: spec.sandbox.hostname,
      Labels: labelsOf({ ...spec, name: 'POD' }, options.owner),
      HostConfig: {
        NetworkMode: 'none',
        IpcMode: spec.sandbox.isolation?.ipc === 'host' ? 'host' : 'shareable',
        // To enter namespaces takes this one, and neither a profile that forbids it.
        CapDrop: ['ALL'],
        CapAdd: ['CAP_SYS_ADMIN'],
        SecurityOpt: ['apparmor=unconfined', 'seccomp=unconfined'],
        ReadonlyRootfs: true,
        LogConfig: { Type: 'none' },
        OomScoreAdj: Math.max(SANDBOX_OOM_SCORE, options.oomScoreMin),
        Mounts: [{ Type: 'bind', Source: options.netns, Target: inside }],
      },
    },
  };
}
