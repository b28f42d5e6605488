// Private mount namespaces for containers with volume mounts, where the machine allows them.
// Knows `unshare` and `nsenter`; what is mounted where is planned in mount-plan.ts.
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { ContainerSpec, StartNote } from '../runtime.ts';
import { execCommand } from './exec.ts';
import { type MountPlan, planMounts } from './mount-plan.ts';

const PROBE_MS = 5_000;

interface Ability {
  readonly bind: boolean;
  readonly overlay: boolean;
  readonly newRoot: boolean;
}

function mountPoints(): string[] {
  if (!existsSync('/proc/self/mountinfo')) return [];
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((path) => path !== '');
}

export interface Namespaced {
  readonly command: readonly string[];
  readonly workingDir: string;
  /** Whether the process has a namespace of its own, so that commands beside it must enter it. */
  readonly entered: boolean;
  /** For the pod's events: volumes that the process finds by their variable only. */
  readonly notes: readonly StartNote[];
}

export class MountNamespaces {
  readonly #dataDir: string;
  readonly #keep: readonly string[];
  readonly #clock: Clock;
  #ability: Promise<Ability> | undefined;

  /** `keep`: files that every process needs to find under their own paths. */
  constructor(dataDir: string, keep: readonly string[], clock: Clock) {
    this.#dataDir = dataDir;
    this.#keep = keep;
    this.#clock = clock;
  }

  /** The command that runs the container with its volumes in place; the command itself when it has none. */
  async wrap(spec: ContainerSpec, scratch: string): Promise<Namespaced> {
    const plain = { command: spec.command, workingDir: spec.workingDir, entered: false };
    if (spec.mounts.length === 0) return { ...plain, notes: [] };
    this.#ability ??= this.#probe();
    const ability = await this.#ability;
    if (!ability.bind) {
      const mounts = spec.mounts.map((mount) => ({ mount, why: 'mount namespaces need root on Linux' }));
      return { ...plain, notes: notesOf(mounts) };
    }
    mkdirSync(scratch, { recursive: true });
    mkdirSync(`${scratch}-root`, { recursive: true });
    const points = mountPoints();
    const plan = planMounts(spec.mounts, scratch, {
      exists: existsSync,
      isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
      hasMountsBelow: (path) => points.some((point) => point !== path && point.startsWith(`${path}/`)),
      overlay: ability.overlay,
      newRoot: ability.newRoot,
      // A volume at /tmp must not hide a program that lies below it.
      keep: [this.#dataDir, ...this.#keep, ...[spec.workingDir, ...spec.command].filter(isPresentPath)],
    });
    if (plan.script.length === 0) return { ...plain, notes: notesOf(plan.unreachable) };
    // The working directory may itself be a mount, so it is entered when all stand.
    const script = ['set -e', ...plan.script, 'cd -- "$0"', 'exec "$@"'].join('\n');
    return {
      command: [...UNSHARE, 'sh', '-c', script, spec.workingDir, ...spec.command],
      workingDir: '/',
      entered: true,
      notes: notesOf(plan.unreachable),
    };
  }

  async #probe(): Promise<Ability> {
    const scratch = join(this.#dataDir, 'mount-probe');
    mkdirSync(join(scratch, 'lower'), { recursive: true });
    const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' };
    const attempt = async (script: string): Promise<boolean> => {
      const command = [...UNSHARE, 'sh', '-ec', script];
      const result = await execCommand(command, { env, workingDir: scratch, timeoutMs: PROBE_MS }, this.#clock);
      return result.exitCode === 0;
    };
    const memory = 'mkdir -p top; mount -t tmpfs none top; mkdir top/upper top/work; ';
    const [bind, overlay, newRoot] = await Promise.all([
      attempt('mount --bind lower lower'),
      attempt(`${memory}mount -t overlay overlay -o lowerdir=lower,upperdir=top/upper,workdir=top/work lower`),
      attempt(`${memory}cd top; pivot_root . work`),
    ]);
    return { bind, overlay, newRoot };
  }
}

function isPresentPath(text: string): boolean {
  return text.startsWith('/') && existsSync(text);
}

const UNSHARE = ['unshare', '--mount', '--propagation', 'private', '--'] as const;

/** Flags of nsenter for a command that is run beside the container. */
export const ENTER_MOUNTS = ['--mount', '--root'] as const;

function notesOf(unreachable: MountPlan['unreachable']): StartNote[] {
  return unreachable.map(({ mount, why }) => {
    const variable = `EVENKEEL_MOUNT_${mount.volume.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
    const message = `Volume "${mount.volume}" is not at ${mount.mountPath}, because ${why}: the container finds it at $${variable}`;
    return { reason: 'VolumeByVariable', message };
  });
}
