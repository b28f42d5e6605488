// What the containers of one pod share beside the network: shared memory, and the view of processes when it is asked for.
// Knows how to hold namespaces by a process that only sleeps; knows no container.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import { ContainerStartError } from '../runtime.ts';
import { CONTAINER_ID_VARIABLE, type ProcessRecords } from './records.ts';
import type { PodNamespaces } from './setup-script.ts';

const SHM = '/dev/shm';
const STEP_MS = 1;
const PATIENCE_MS = 5_000;

export interface SharedByPod extends PodNamespaces {
  /** Directory of the machine's memory that stands at /dev/shm in each of the containers. */
  readonly shm: string;
}

interface Pause {
  readonly child: ChildProcess;
  readonly recordId: string;
  readonly shared: SharedByPod;
}

function namespaceOf(pid: number | 'self', name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    // Not made yet, or the process is gone.
    return undefined;
  }
}

export class PodPauses {
  readonly #records: ProcessRecords;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #pauses = new Map<string, Promise<Pause>>();
  #lost: (podUid: string) => void = () => {};

  constructor(dataDir: string, records: ProcessRecords, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
    this.#prefix = `evenkeel-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}-`;
  }

  /** The same for all containers of the pod. Throws `ContainerStartError`. */
  async of(podUid: string, sharePid: boolean, path: string): Promise<SharedByPod> {
    const known = this.#pauses.get(podUid);
    if (known !== undefined) return (await known).shared;
    const made = this.#make(podUid, sharePid, path);
    this.#pauses.set(podUid, made);
    const forget = (): boolean => this.#pauses.get(podUid) === made && this.#pauses.delete(podUid);
    made.then(({ child }) => {
      // One that was released is ended by us.
      const ended = (): void => void (forget() && this.#lost(podUid));
      if (child.exitCode === null && child.signalCode === null) child.once('exit', ended);
      else ended();
    }, forget);
    return (await made).shared;
  }

  /** Who is told of a pod whose pause has ended by itself. */
  onLost(listener: (podUid: string) => void): void {
    this.#lost = listener;
  }

  async release(podUid: string): Promise<void> {
    const made = this.#pauses.get(podUid);
    if (made === undefined) return;
    this.#pauses.delete(podUid);
    const pause = await made.catch(() => undefined);
    pause?.child.kill('SIGKILL');
    if (pause !== undefined) this.#records.sweep([pause.recordId]);
    rmSync(join(SHM, `${this.#prefix}${podUid}`), { recursive: true, force: true });
  }

  /** Forgets all of them, and removes the memory that any run of this node left; the records find the processes. */
  sweep(): void {
    this.#pauses.clear();
    if (!existsSync(SHM)) return;
    for (const name of readdirSync(SHM)) {
      if (name.startsWith(this.#prefix)) rmSync(join(SHM, name), { recursive: true, force: true });
    }
  }

  async #make(podUid: string, sharePid: boolean, path: string): Promise<Pause> {
    const recordId = randomBytes(32).toString('hex');
    this.#records.announce(recordId);
    const fresh = sharePid ? ['--ipc', '--pid', '--fork', '--kill-child'] : ['--ipc'];
    const [program = '', ...args] = ['unshare', ...fresh, '--', 'env', '--ignore-signal=CHLD', 'sleep', 'infinity'];
    const child = spawn(program, args, {
      cwd: '/',
      env: { PATH: path, [CONTAINER_ID_VARIABLE]: recordId },
      detached: true,
      stdio: 'ignore',
    });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) =>
        reject(new ContainerStartError(`failed to start the pod's sandbox: ${error.message}`)),
      );
    });
    failed.catch(() => {});
    await Promise.race([new Promise((resolve) => child.once('spawn', resolve)), failed]);
    const pid = child.pid ?? 0;
    this.#records.add(recordId, pid);
    await this.#apart(pid, 'ipc');
    if (sharePid) await this.#apart(pid, 'pid_for_children');
    const shm = join(SHM, `${this.#prefix}${podUid}`);
    mkdirSync(shm, { recursive: true });
    chmodSync(shm, 0o1777);
    const pids = sharePid ? { pid: `/proc/${pid}/ns/pid_for_children` } : {};
    return { child, recordId, shared: { ipc: `/proc/${pid}/ns/ipc`, ...pids, shm } };
  }

  /** Waits until the process has a namespace that is not ours. */
  async #apart(pid: number, name: string): Promise<void> {
    for (let waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
      const found = namespaceOf(pid, name);
      if (found !== undefined && found !== namespaceOf('self', name)) return;
      await new Promise<void>((resolve) => void this.#clock.after(STEP_MS, resolve));
    }
    throw new ContainerStartError(`failed to start the pod's sandbox: no ${name} namespace could be made`);
  }
}
