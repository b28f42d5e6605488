// Containers as plain child processes: each in its own session, with nothing of our environment but what is listed.
// Knows no pod worker and no API; it starts, watches, signals and remembers processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Cgroups } from '../cgroup/cgroups.ts';
import type { ImageService } from '../image/image-service.ts';
import {
  type ContainerExit,
  type ContainerSpec,
  ContainerStartError,
  type LogTail,
  type RunningContainer,
  type Runtime,
} from '../runtime.ts';
import { commandInside, type Inside } from './enter.ts';
import { execCommand } from './exec.ts';
import { LogFile } from './log-file.ts';
import { ENTER_MOUNTS, MountNamespaces, type Namespaced } from './mount-namespace.ts';
import { openOutputPipes } from './output-pipes.ts';
import { processStartTime, signalProcess } from './proc.ts';
import { findProgram } from './program.ts';
import { CONTAINER_ID_VARIABLE, ProcessRecords, recordsDir } from './records.ts';
import { type Control, ResourceControl } from './resource-control.ts';

/** How long output may still trickle in after the main process ended, in milliseconds. */
const DRAIN_MS = 500;
/** Looking through all processes costs milliseconds, so it is done once for all that ended within this time. */
const SWEEP_MS = 1_000;
/** How long a sweep waits for the killed to be gone, and how often it looks, in milliseconds. */
const GONE_MS = 1_000;
const GONE_STEP_MS = 10;

export interface ProcessRuntimeOptions {
  /** Holds one record for each running process. */
  readonly dataDir: string;
  readonly images: ImageService;
  /** Files that every process needs under their own paths, whatever volumes it has. */
  readonly keep: readonly string[];
  /** Left out where none may be used. */
  readonly cgroups?: Cgroups | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

function exitOf(code: number | null, signal: NodeJS.Signals | null, finishedAt: number): ContainerExit {
  if (signal === null) return { exitCode: code ?? 0, finishedAt };
  const number = constants.signals[signal];
  return { exitCode: 128 + number, signal: number, finishedAt };
}

function explainSpawn(spec: ContainerSpec, error: NodeJS.ErrnoException): string {
  const program = spec.command[0] ?? '';
  if (error.code === 'ENOENT') return `exec: "${program}": executable file not found in $PATH`;
  if (error.code === 'EACCES') return `exec: "${program}": permission denied`;
  return `exec: "${program}": ${error.message}`;
}

interface Spawned {
  readonly child: ChildProcess;
  /** Its output and its error output. */
  readonly streams: readonly [Readable, Readable];
}

async function spawnWithPipes(
  spec: ContainerSpec,
  { command, workingDir }: Namespaced,
  env: Record<string, string>,
): Promise<Spawned> {
  const [program = '', ...args] = command;
  const pipes = await openOutputPipes(dirname(spec.logPath));
  try {
    const child = spawn(program, args, {
      cwd: workingDir,
      env,
      // Its own session: signals of our terminal do not reach it, and one signal reaches all of its processes.
      detached: true,
      stdio: ['ignore', pipes?.ends[0] ?? 'pipe', pipes?.ends[1] ?? 'pipe'],
    });
    return { child, streams: [pipes?.stdout ?? child.stdout, pipes?.stderr ?? child.stderr] as [Readable, Readable] };
  } catch (error) {
    // Words that no process can be given, e.g. with a NUL in them.
    pipes?.stdout.destroy();
    pipes?.stderr.destroy();
    throw new ContainerStartError(explainSpawn(spec, error as NodeJS.ErrnoException));
  } finally {
    pipes?.handedOver();
  }
}

/** Before a shell meets a missing program: its words would be in the log, and its end would pass for the container's. */
function checkProgram(spec: ContainerSpec, dir: string, env: Readonly<Record<string, string>>): void {
  const [program = ''] = spec.command;
  const { code } = findProgram(program, dir, env.PATH);
  if (code !== undefined) throw new ContainerStartError(explainSpawn(spec, Object.assign(new Error(code), { code })));
}

function controlled(namespaced: Namespaced, { steps }: Control): Namespaced {
  if (steps === '') return namespaced;
  const command = ['/bin/sh', '-c', `${steps}\nexec "$@"`, 'sh', ...namespaced.command];
  return { ...namespaced, command };
}

function checkWorkingDir(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ContainerStartError(
      `working directory "${dir}" does not exist on this machine: containers run as plain processes here, ` +
        'so create it, or set workingDir for the image in evenkeel.yaml',
    );
  }
}

export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly images: ImageService;
  readonly #records: ProcessRecords;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #namespaces: MountNamespaces;
  readonly #resources: ResourceControl;
  readonly #logs = new Map<string, LogFile>();
  readonly #ended: string[] = [];
  #cancelSweep: Cancel = () => {};

  constructor(options: ProcessRuntimeOptions) {
    this.images = options.images;
    this.#records = new ProcessRecords(recordsDir(options.dataDir));
    this.#namespaces = new MountNamespaces(options.dataDir, options.keep, options.clock);
    this.#resources = new ResourceControl(options.cgroups, options.clock, options.log);
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async sweep(): Promise<number> {
    this.#cancelSweep();
    this.#ended.length = 0;
    const killed = this.#records.sweep();
    // What is in a group of ours is ours, even if it has changed its environment and its session.
    const grouped = this.#resources.sweep();
    const alive = (): boolean => [...killed].some((pid) => processStartTime(pid) !== undefined);
    for (let waited = 0; waited < GONE_MS && alive(); waited += GONE_STEP_MS) {
      await new Promise<void>((resolve) => void this.#clock.after(GONE_STEP_MS, resolve));
    }
    return Math.max(killed.size, await grouped);
  }

  async releasePod(podUid: string): Promise<void> {
    await this.#resources.releasePod(podUid);
  }

  /** A process that made a session of its own outlived its group: the variable finds it, for all ended at once. */
  #sweepEnded(id: string): void {
    this.#ended.push(id);
    if (this.#ended.length > 1) return;
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#records.sweep(this.#ended.splice(0)));
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const namespaced = await this.#namespaces.wrap(spec, join(dirname(spec.logPath), 'scratch'));
    checkWorkingDir(namespaced.workingDir);
    const id = randomBytes(32).toString('hex');
    const env: Record<string, string> = { ...spec.env, [CONTAINER_ID_VARIABLE]: id };
    // Inside a namespace of its own the program may come with a volume.
    if (!namespaced.entered) checkProgram(spec, namespaced.workingDir, env);
    if (env.TMPDIR !== undefined) mkdirSync(env.TMPDIR, { recursive: true });
    this.#records.announce(id);
    const control = this.#resources.take(spec);
    let child: ChildProcess;
    let streams: Spawned['streams'];
    let pid: number;
    try {
      ({ child, streams } = await spawnWithPipes(spec, controlled(namespaced, control), env));
      pid = await this.#spawned(child, spec, streams);
    } catch (error) {
      this.#records.remove(id);
      void control.end();
      throw error;
    }
    this.#records.add(id, pid);
    control.started(pid, () => signalProcess(-pid, 'SIGKILL'));
    const startedAt = this.#clock.wall();
    const output = new LogFile(spec.logPath, this.#clock);
    this.#logs.set(spec.logPath, output);
    streams[0].on('data', (chunk: Buffer) => output.write('stdout', chunk));
    streams[1].on('data', (chunk: Buffer) => output.write('stderr', chunk));
    const exited = this.#watch(child, pid, id, streams, output, control);
    const inside: Inside = {
      pid,
      namespaces: namespaced.entered ? ENTER_MOUNTS : [],
      join: control.join,
      privileges: [],
      env,
      workingDir: spec.workingDir,
    };
    const alive = (): boolean => child.exitCode === null && child.signalCode === null;
    return {
      id,
      runtime: this.name,
      startedAt,
      exited,
      signal: (name) => {
        if (alive()) signalProcess(-pid, name);
      },
      notes: namespaced.notes,
      exec: (command, timeoutMs) => {
        const put = commandInside(inside, command);
        return execCommand(put.command, { env: put.env, workingDir: put.workingDir, timeoutMs }, this.#clock);
      },
      stats: async () => (alive() ? { at: this.#clock.wall(), ...control.read(pid) } : undefined),
    };
  }

  follow(logPath: string, onLine: (line: string) => void): LogTail | undefined {
    const log = this.#logs.get(logPath);
    if (log === undefined) return undefined;
    return { ended: log.ended, stop: log.listen(onLine) };
  }

  #spawned(child: ChildProcess, spec: ContainerSpec, streams: readonly Readable[]): Promise<number> {
    return new Promise((resolve, reject) => {
      child.once('error', (error) => {
        if (child.pid === undefined) {
          for (const stream of streams) stream.destroy();
          reject(new ContainerStartError(explainSpawn(spec, error)));
        } else
          this.#log.warn(
            { container: spec.name, pod: spec.podName, error: error.message },
            'Process reported an error',
          );
      });
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
  }

  #watch(
    child: ChildProcess,
    pid: number,
    id: string,
    streams: readonly Readable[],
    output: LogFile,
    control: Control,
  ): Promise<ContainerExit> {
    const drained = Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
    return new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const exit: ContainerExit = {
          ...exitOf(code, signal, this.#clock.wall()),
          // What the kernel ended may have been a helper that the container got along without.
          ...(code !== 0 && control.oomKilled() ? { oomKilled: true as const } : {}),
        };
        // As with a container: when the main process ends, whatever it left running ends with it.
        signalProcess(-pid, 'SIGKILL');
        control.kill();
        const finish = (): void => {
          cancel();
          void control.end();
          for (const stream of streams) stream.destroy();
          output.close();
          if (this.#logs.get(output.path) === output) this.#logs.delete(output.path);
          this.#sweepEnded(id);
          resolve(exit);
        };
        // A process that left the group may hold the pipes open for good.
        const cancel = this.#clock.after(DRAIN_MS, finish);
        void drained.then(finish);
      });
    });
  }
}
