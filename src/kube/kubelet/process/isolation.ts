// Containers that are apart from the machine: namespaces of their own, a root of their own, fewer rights.
// Knows the machine and its tools; how a process is watched and ended is the runtime's matter.
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import { type ContainerSpec, ContainerStartError, type Isolation, type Mount, type PodIpc } from '../runtime.ts';
import type { Inside } from './enter.ts';
import { execCommand } from './exec.ts';
import { hostMounts } from './host-mounts.ts';
import { mountLines, propagationObstacle } from './mountinfo.ts';
import type { PodPauses, SharedByPod } from './pod-pause.ts';
import { type Identity, identityOf, setprivCommand, unknownCapability } from './privileges.ts';
import type { Control } from './resource-control.ts';
import { nestedObstacle, planRoot, propagationOf, type RootPlan } from './root-plan.ts';
import { impassable, isDirectory, machineDevices, makeScratch, placed } from './scratch.ts';
import { enterCommand, type PodNamespaces, setupScript, splitEnvironment } from './setup-script.ts';

const PROBE_MS = 5_000;
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const inProc = (names: string): string[] => names.split(' ').map((name) => `/proc/${name}`);
/** As container runtimes have it: what would tell of the machine, or change it. */
const PROC_READ_ONLY = inProc('bus fs irq sys sysrq-trigger');
const PROC_HIDDEN = inProc('kcore keys latency_stats timer_list sched_debug');
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface IsolationOptions {
  /** Files that every container needs under their own paths. */
  readonly keep: readonly string[];
  /** Directories that no container may see. */
  readonly hidden: readonly string[];
  readonly dataDir: string;
  readonly pauses: PodPauses;
  /** A process in the namespaces of a container that runs. */
  readonly processOf: (containerId: string) => number | undefined;
  readonly clock: Clock;
}

/** What is started, and how commands beside it are put. */
export interface Prepared {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** All but the pid, which is known when it runs. */
  readonly inside: Omit<Inside, 'pid'>;
}

/** PATH of the tools: the machine's own, and the places that a user's PATH often lacks. */
function toolPath(): string {
  const entries = [...(process.env.PATH ?? '').split(':'), ...DEFAULT_PATH.split(':')];
  return [...new Set(entries)].filter((entry) => entry.startsWith('/')).join(':');
}

function holds(parent: string, path: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}

function isPresentPath(text: string): boolean {
  return text.startsWith('/') && !text.includes('\0') && existsSync(text);
}

/** Throws `ContainerStartError` where mounts cannot spread as they are to. */
function checkPropagation(mounts: readonly Mount[], mountinfo: string): void {
  const nested = nestedObstacle(mounts);
  if (nested !== undefined) throw new ContainerStartError(nested);
  for (const { source, propagation } of mounts) {
    const why = propagation === undefined ? undefined : propagationObstacle(source, propagation, mountLines(mountinfo));
    if (why !== undefined) throw new ContainerStartError(why);
  }
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The pod's own files of /etc, unless the container has something else there. */
function etcMounts({ sandbox, mounts, security }: ContainerSpec): Mount[] {
  const { etc } = sandbox;
  if (etc === undefined) return [];
  const files = { '/etc/resolv.conf': etc.resolvConf, '/etc/hosts': etc.hosts, '/etc/hostname': etc.hostname };
  return Object.entries(files)
    .filter(([path]) => !mounts.some(({ mountPath }) => mountPath === path))
    .map(([mountPath, source]) => ({ volume: '', source, mountPath, readOnly: security.readOnlyRoot }));
}

export class Isolator {
  readonly #options: IsolationOptions;
  readonly #hidden: readonly string[];
  #upper: Promise<'disk' | 'memory' | undefined> | undefined;

  constructor(options: IsolationOptions) {
    this.#options = options;
    this.#hidden = options.hidden.map((path) => (existsSync(path) ? realpathSync(path) : path));
  }

  /** Why containers cannot be kept apart on this machine; `undefined` when they can. */
  async obstacle(): Promise<string | undefined> {
    if (process.platform !== 'linux') return 'namespaces are a feature of Linux';
    if ((await this.#probe()) !== undefined) return undefined;
    return 'namespaces and overlays need root, and the programs unshare, nsenter, setpriv and mount of util-linux';
  }

  /** Writes what the start needs below `scratch`, which must not be there yet. Throws `ContainerStartError`. */
  async prepare(
    spec: ContainerSpec,
    control: Control,
    scratch: string,
    env: Readonly<Record<string, string>>,
  ): Promise<Prepared> {
    const { sandbox, security, image, workingDir } = spec;
    const isolation = this.#seeing(spec, sandbox.isolation as Isolation);
    const unknown = unknownCapability(security);
    if (unknown !== undefined) throw new ContainerStartError(`unknown capability "CAP_${unknown}"`);
    const identity = identityOf(security, image.user, readIfThere('/etc/passwd'), readIfThere('/etc/group'));
    makeScratch(scratch);
    const shared = await this.#shared(spec, isolation);
    const shm = shared !== undefined && 'shm' in shared ? shared.shm : undefined;
    const plan = await this.#plan(spec, control, realpathSync(scratch), identity, shm);
    for (const [name, text] of Object.entries(plan.files)) writeFileSync(join(scratch, name), text);
    const { plain, last } = splitEnvironment({ HOME: identity.home, PATH: DEFAULT_PATH, ...env });
    const privileges = [...setprivCommand(security, identity), ...last];
    const path = env.PATH ?? DEFAULT_PATH;
    const script = setupScript({ spec, isolation, root: plan.steps, last: privileges, path });
    writeFileSync(join(scratch, 'setup.sh'), script);
    const enter = enterCommand(sandbox.netns, isolation, shared, propagationOf(spec.mounts));
    const join0 = ['/bin/sh', '-c', `${control.steps}\nexec "$@"`, 'sh'];
    const outside = { ...plain, PATH: toolPath() };
    return {
      command: [...join0, ...enter, '/bin/sh', join(scratch, 'setup.sh'), ...spec.command],
      env: outside,
      inside: {
        namespaces: ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root'],
        join: control.join,
        last: privileges,
        env: outside,
        path,
        workingDir,
      },
    };
  }

  /** File of the namespace that the pod's containers share. Throws `ContainerStartError`. */
  async podPidNamespace(podUid: string): Promise<string> {
    const { pid } = await this.#options.pauses.of(podUid, true, toolPath());
    if (pid === undefined) throw new ContainerStartError('the pod has begun without a shared view of its processes');
    return pid;
  }

  async podIpc({ podUid, sandbox }: ContainerSpec): Promise<PodIpc> {
    const { ipc, shm } = await this.#options.pauses.of(podUid, sandbox.isolation?.pid === 'pod', toolPath());
    return { namespace: ipc, shm };
  }

  /** To see the processes of one container is as to see those of all: somebody else has made the namespace. */
  #seeing({ sees }: ContainerSpec, isolation: Isolation): Isolation {
    return sees === undefined || isolation.pid !== 'container' ? isolation : { ...isolation, pid: 'pod' };
  }

  async #shared(spec: ContainerSpec, isolation: Isolation): Promise<SharedByPod | PodNamespaces | undefined> {
    const { sees, seesProcess, sandbox, podUid } = spec;
    if (sees !== undefined && sandbox.isolation?.pid === 'container') {
      const pid = this.#options.processOf(sees) ?? seesProcess;
      if (pid === undefined) throw new ContainerStartError('the container whose processes are to be seen has ended');
      const own = `/proc/${pid}/ns`;
      if (isolation.ipc !== 'pod') return { ipc: `${own}/ipc`, pid: `${own}/pid` };
      return { ...(await this.#options.pauses.of(podUid, false, toolPath())), pid: `${own}/pid` };
    }
    if (isolation.ipc !== 'pod' && isolation.pid !== 'pod') return undefined;
    return await this.#options.pauses.of(spec.podUid, isolation.pid === 'pod', toolPath());
  }

  async #plan(
    spec: ContainerSpec,
    control: Control,
    scratch: string,
    identity: Identity,
    shm: string | undefined,
  ): Promise<RootPlan> {
    const { security, sandbox } = spec;
    const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
    const mounts = [...etcMounts(spec), ...spec.mounts].map(placed);
    checkPropagation(mounts, mountinfo);
    const needed = this.#needed(spec);
    const hidesNothing = (name: string): boolean => !needed.some((path) => holds(`/${name}`, path));
    return planRoot({
      scratch,
      upperInMemory: (await this.#probe()) === 'memory',
      hostMounts: hostMounts(mountinfo, this.#hidden),
      hidden: this.#hidden,
      hiddenThere: this.#hidden.filter(existsSync),
      fresh: (['tmp', 'run'] as const).filter((name) => isDirectory(`/${name}`) && hidesNothing(name)),
      mounts,
      cgroups: control.groups,
      shm,
      hostIpc: sandbox.isolation?.ipc === 'host',
      readOnly: security.readOnlyRoot,
      privileged: security.privileged,
      devices: security.privileged ? machineDevices() : DEVICES,
      proc: security.unmaskedProc
        ? { readOnly: [], hidden: [] }
        : { readOnly: PROC_READ_ONLY.filter(existsSync), hidden: PROC_HIDDEN.filter(existsSync) },
      passable: identity.uid === 0 ? [] : impassable(needed),
    });
  }

  /** Paths of the machine that the container is started from. */
  #needed({ image, command, workingDir }: ContainerSpec): string[] {
    const words = [...image.entrypoint, ...image.args, ...command, image.workingDir ?? '', workingDir];
    const there = [...this.#options.keep, ...words].filter(isPresentPath);
    const all = new Set(there.flatMap((path) => [path, realpathSync(path)]));
    return [...all].filter(
      (path) => path !== '/tmp' && path !== '/run' && !this.#hidden.some((hidden) => holds(hidden, path)),
    );
  }

  #probe(): Promise<'disk' | 'memory' | undefined> {
    this.#upper ??= this.#tryOut();
    return this.#upper;
  }

  /** Where what a container writes can be kept: not every file system can be the upper part of an overlay. */
  async #tryOut(): Promise<'disk' | 'memory' | undefined> {
    const scratch = join(this.#options.dataDir, 'isolation-probe');
    mkdirSync(scratch, { recursive: true });
    const attempt = async (before: string, at: string): Promise<boolean> => {
      const script = [
        'mkdir -p root upper work memory',
        before,
        `mount -t overlay overlay -o lowerdir=/,upperdir=${at}upper,workdir=${at}work root`,
        ': > root/.probe',
        'setpriv --clear-groups -- env --ignore-signal=CHLD nsenter --version',
      ].join('\n');
      const fresh = ['--mount', '--propagation', 'private', '--uts', '--ipc', '--cgroup', '--pid', '--fork'];
      const command = ['unshare', ...fresh, '--', '/bin/sh', '-ec', script];
      const options = { env: { PATH: toolPath() }, workingDir: scratch, timeoutMs: PROBE_MS };
      return (await execCommand(command, options, this.#options.clock)).exitCode === 0;
    };
    if (await attempt('', '')) return 'disk';
    if (await attempt('mount -t tmpfs none memory; mkdir memory/upper memory/work', 'memory/')) return 'memory';
    return undefined;
  }
}
