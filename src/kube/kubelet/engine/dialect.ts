// How the two engines want a container described: podman in its own words, docker in the ones both understand.
// Pure; knows no socket.
import { type ContainerSpec, ContainerStartError } from '../runtime.ts';

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

/** Bind mounts, those of the pod's own `/etc` files among them. */
function bindsOf({ mounts, sandbox }: ContainerSpec): { source: string; destination: string; options: string[] }[] {
  const { etc } = sandbox;
  const files =
    etc === undefined
      ? []
      : [
          { source: etc.resolvConf, destination: '/etc/resolv.conf', options: ['rw'] },
          { source: etc.hosts, destination: '/etc/hosts', options: ['rw'] },
        ];
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
  if (sandbox.isolation?.pid === 'host') return { nsmode: 'host' };
  if (seesProcess !== undefined) {
    // A plain process has no namespace of its own.
    return sandbox.isolation === undefined
      ? { nsmode: 'host' }
      : { nsmode: 'path', value: `/proc/${seesProcess}/ns/pid` };
  }
  if (podPidNamespace !== undefined) return { nsmode: 'path', value: podPidNamespace };
  return sees === undefined ? undefined : { nsmode: 'container', value: sees };
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
      ...(sandbox.netns === undefined
        ? { netns: { nsmode: 'host' } }
        : { netns: { nsmode: 'path', value: sandbox.netns }, hostname: sandbox.hostname }),
      ...(processes === undefined ? {} : { pidns: processes }),
      ...(sandbox.isolation?.ipc === 'host' ? { ipcns: { nsmode: 'host' } } : {}),
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
      oom_score_adj: spec.oomScoreAdj,
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

function forDocker(spec: ContainerSpec, options: DescribeOptions): Described {
  const { limits, security, sandbox } = spec;
  const rights = rightsOf(spec);
  const processes = processesOf(spec);
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
        NetworkMode: 'host',
        ...(processes === undefined ? {} : { PidMode: pidModeOf(processes) }),
        ...(sandbox.isolation?.ipc === 'host' ? { IpcMode: 'host' } : {}),
        // Its output comes to us and is kept in the pod's log; the engine would keep it again, and without a bound.
        LogConfig: { Type: 'none' },
        Binds: bindsOf(spec).map(
          ({ source, destination, options: how }) => `${source}:${destination}:${how.join(',')}`,
        ),
        CpuShares: limits.cpuShares,
        ...(limits.cpuMillis === undefined ? {} : { NanoCpus: limits.cpuMillis * 1_000_000 }),
        ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes }),
        ...(spec.podLimits.pids === undefined ? {} : { PidsLimit: spec.podLimits.pids }),
        OomScoreAdj: spec.oomScoreAdj,
        Ulimits: options.ulimits.map(({ name, max }) => ({ Name: name, Soft: max, Hard: max })),
      },
    },
  };
}
