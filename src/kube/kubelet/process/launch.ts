// How a container comes to run: as a plain process of the machine, or apart from it; decided by what its pod shares.
// Knows what is to be started; starting and watching it is the runtime's matter.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ContainerSpec, ContainerStartError, type Mount, type StartNote } from '../runtime.ts';
import type { Inside } from './enter.ts';
import type { Isolator } from './isolation.ts';
import { ENTER_MOUNTS, type MountNamespaces } from './mount-namespace.ts';
import { findProgram } from './program.ts';
import type { Control } from './resource-control.ts';
import { unshellable } from './setup-script.ts';
import { explainSpawn } from './spawn.ts';

const SCRATCH = 'root-';
const PLAIN =
  'containers are plain processes here: they are apart from the machine with --network netns, as root on Linux';

export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** For commands beside it; all but the pid, which is known when it runs. */
  readonly inside: Omit<Inside, 'pid'>;
  /** What people should know of how it is started. */
  readonly notes: readonly StartNote[];
  /** Whether the first process says on descriptor 3 how far it is, and goes on as the container's parent. */
  readonly reports: boolean;
  /** Whether the container's program becomes a child of the first process rather than that process itself. */
  readonly forks: boolean;
  /** Removes what it needed on disk; never rejects. */
  cleanUp(): Promise<void>;
}

/** Before a shell meets a missing program: its words would be in the log, and its end would pass for the container's. */
function checkProgram(spec: ContainerSpec, env: Readonly<Record<string, string>>): void {
  const [program = ''] = spec.command;
  const { code } = findProgram(program, spec.workingDir, env.PATH);
  if (code !== undefined) throw new ContainerStartError(explainSpawn(spec, Object.assign(new Error(code), { code })));
}

/** What a plain process has is the machine's file system, or a private copy of it. */
function unspread({ volume, propagation }: Mount): StartNote[] {
  if (propagation === undefined) return [];
  const message = `mountPropagation ${propagation} of volume "${volume}" has no effect, because ${PLAIN}`;
  return [{ reason: 'MountNotPropagated', message }];
}

/** A plain process is who we are, and writes where we may. What differs from what the pod asks for is said. */
function unapplied({ security, image }: ContainerSpec): StartNote[] {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  const fields = [
    ...(security.user === undefined || security.user === uid ? [] : ['runAsUser']),
    ...(security.group === undefined || security.group === gid ? [] : ['runAsGroup']),
    // Who must not be root and is not told who to be has been given a user by the image.
    ...(security.user === undefined && image.user !== undefined && uid === 0 ? ['runAsNonRoot'] : []),
    ...(security.readOnlyRoot ? ['readOnlyRootFilesystem'] : []),
  ];
  if (fields.length === 0) return [];
  const verb = fields.length === 1 ? 'has' : 'have';
  const message = `${fields.join(', ')} of the securityContext ${verb} no effect, because ${PLAIN}`;
  return [{ reason: 'SecurityContextIgnored', message }];
}

function checkWorkingDir(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new ContainerStartError(
    `working directory "${dir}" does not exist on this machine: containers run as plain processes here, ` +
      'so create it, or set workingDir for the image in evenkeel.yaml',
  );
}

export class Launcher {
  readonly #namespaces: MountNamespaces;
  readonly #isolator: Isolator;

  constructor(namespaces: MountNamespaces, isolator: Isolator) {
    this.#namespaces = namespaces;
    this.#isolator = isolator;
  }

  /** `env` is all of the container's. Throws `ContainerStartError`. */
  async plan(
    spec: ContainerSpec,
    id: string,
    control: Control,
    env: Readonly<Record<string, string>>,
  ): Promise<Launch> {
    return spec.sandbox.isolation === undefined
      ? await this.#plain(spec, control, env)
      : await this.#isolated(spec, id, control, env);
  }

  async #isolated(
    spec: ContainerSpec,
    id: string,
    control: Control,
    env: Readonly<Record<string, string>>,
  ): Promise<Launch> {
    const dir = dirname(spec.logPath);
    removeStale(dir);
    const scratch = join(dir, `${SCRATCH}${id.slice(0, 12)}`);
    const cleanUp = (): Promise<void> => rm(scratch, { recursive: true, force: true }).catch(() => {});
    try {
      const prepared = await this.#isolator.prepare(spec, control, scratch, env);
      const forks = spec.sandbox.isolation?.pid !== 'host';
      return { ...prepared, workingDir: '/', notes: [], reports: true, forks, cleanUp };
    } catch (error) {
      await cleanUp();
      throw error;
    }
  }

  async #plain(spec: ContainerSpec, control: Control, env: Readonly<Record<string, string>>): Promise<Launch> {
    const namespaced = await this.#namespaces.wrap(spec, join(dirname(spec.logPath), 'scratch'));
    checkWorkingDir(namespaced.workingDir);
    // Inside a namespace of its own the program may come with a volume.
    if (!namespaced.entered) checkProgram(spec, env);
    if (env.TMPDIR !== undefined) mkdirSync(env.TMPDIR, { recursive: true });
    const last = unshellable(env);
    const { steps } = control;
    const command = [...last, ...namespaced.command];
    return {
      command: steps === '' ? namespaced.command : ['/bin/sh', '-c', `${steps}\nexec "$@"`, 'sh', ...command],
      env,
      workingDir: namespaced.workingDir,
      inside: {
        namespaces: namespaced.entered ? ENTER_MOUNTS : [],
        join: control.join,
        last,
        env,
        path: env.PATH ?? '',
        workingDir: spec.workingDir,
      },
      notes: [...namespaced.notes, ...spec.mounts.flatMap(unspread), ...unapplied(spec)],
      reports: false,
      forks: false,
      cleanUp: async () => {},
    };
  }
}

/** What an earlier start left, should it have ended without us. */
function removeStale(dir: string): void {
  mkdirSync(dir, { recursive: true });
  for (const name of readdirSync(dir)) {
    if (name.startsWith(SCRATCH)) rmSync(join(dir, name), { recursive: true, force: true });
  }
}
