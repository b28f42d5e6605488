// Containers as plain child processes: each in its own session, with nothing of our environment but what is listed.
// Knows no pod worker and no API; it starts, watches, signals and remembers processes.
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Cgroups } from '../cgroup/cgroups.ts';
import { ContainerConsole } from '../container-console.ts';
import type { ImageService } from '../image/image-service.ts';
import {
  type ContainerExit,
  type ContainerSpec,
  ContainerStartError,
  type LogTail,
  type PodIpc,
  type RunningContainer,
  type Runtime,
} from '../runtime.ts';
import { findApp } from './app-process.ts';
import { commandInside, type Inside } from './enter.ts';
import { execCommand } from './exec.ts';
import { Isolator } from './isolation.ts';
import { type Launch, Launcher } from './launch.ts';
import { LogFile } from './log-file.ts';
import { MountNamespaces } from './mount-namespace.ts';
import { openProcess } from './open-process.ts';
import { PodPauses } from './pod-pause.ts';
import { processStartTime, signalProcess } from './proc.ts';
import { PropagatedMounts } from './propagated-mounts.ts';
import { CONTAINER_ID_VARIABLE, ProcessRecords, recordsDir } from './records.ts';
import { type Control, ResourceControl } from './resource-control.ts';
import { explainSpawn, spawnWithPipes } from './spawn.ts';
import { readSetup } from './status-pipe.ts';
import { atTerminal, TerminalResizer } from './terminal.ts';

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
  /** Directories, besides `dataDir`, that no container with a root of its own may see. */
  readonly hidden?: readonly string[];
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

export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly images: ImageService;
  readonly #records: ProcessRecords;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #isolator: Isolator;
  readonly #pauses: PodPauses;
  readonly #mounts: PropagatedMounts;
  readonly #launcher: Launcher;
  readonly #resources: ResourceControl;
  readonly #logs = new Map<string, LogFile>();
  /** A process of each container that runs, by the container's id. */
  readonly #processes = new Map<string, number>();
  readonly #ended: string[] = [];
  #cancelSweep: Cancel = () => {};

  constructor(options: ProcessRuntimeOptions) {
    this.images = options.images;
    this.#records = new ProcessRecords(recordsDir(options.dataDir));
    const { dataDir, keep, clock, hidden = [] } = options;
    this.#pauses = new PodPauses(dataDir, this.#records, clock);
    this.#mounts = new PropagatedMounts(dataDir, clock, options.log);
    this.#isolator = new Isolator({
      keep,
      hidden: [dataDir, ...hidden],
      dataDir,
      pauses: this.#pauses,
      processOf: (id) => this.#processes.get(id),
      clock,
    });
    this.#launcher = new Launcher(new MountNamespaces(dataDir, keep, clock), this.#isolator);
    this.#resources = new ResourceControl(options.cgroups, options.clock, options.log);
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async sweep(): Promise<number> {
    this.#cancelSweep();
    this.#ended.length = 0;
    this.#mounts.recall();
    const killed = this.#records.sweep();
    this.#mounts.sweep();
    this.#pauses.sweep();
    // What is in a group of ours is ours, even if it has changed its environment and its session.
    const grouped = this.#resources.sweep();
    const alive = (): boolean => [...killed].some((pid) => processStartTime(pid) !== undefined);
    for (let waited = 0; waited < GONE_MS && alive(); waited += GONE_STEP_MS) {
      await new Promise<void>((resolve) => void this.#clock.after(GONE_STEP_MS, resolve));
    }
    return Math.max(killed.size, await grouped);
  }

  /** Why containers cannot have namespaces and roots of their own here; `undefined` when they can. */
  isolationObstacle(): Promise<string | undefined> {
    return this.#isolator.obstacle();
  }

  async processOf(id: string): Promise<number | undefined> {
    return this.#processes.get(id);
  }

  async podPidNamespace(podUid: string): Promise<string> {
    return await this.#isolator.podPidNamespace(podUid);
  }

  async podIpc(spec: ContainerSpec): Promise<PodIpc> {
    return await this.#isolator.podIpc(spec);
  }

  onSandboxLost(listener: (podUid: string) => void): void {
    this.#pauses.onLost(listener);
  }

  async releasePod(podUid: string): Promise<void> {
    this.#mounts.release(podUid);
    await this.#pauses.release(podUid);
    await this.#resources.releasePod(podUid);
  }

  /** A process that made a session of its own outlived its group: the variable finds it, for all ended at once. */
  #sweepEnded(id: string): void {
    this.#ended.push(id);
    if (this.#ended.length > 1) return;
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#records.sweep(this.#ended.splice(0)));
  }

  async start(asked: ContainerSpec): Promise<RunningContainer> {
    const spec = asked.tty === true ? { ...asked, command: atTerminal(asked.command) } : asked;
    const id = randomBytes(32).toString('hex');
    this.#records.announce(id);
    const control = this.#resources.take(spec);
    const watched = this.#mounts.starting(spec);
    let launch: Launch | undefined;
    try {
      launch = await this.#launcher.plan(spec, id, control, { ...spec.env, [CONTAINER_ID_VARIABLE]: id });
      return await this.#run(spec, id, control, launch);
    } catch (error) {
      this.#records.sweep([id]);
      await control.end();
      await launch?.cleanUp();
      throw error;
    } finally {
      watched();
    }
  }

  /** Starts what was planned; rejects when the container's program cannot be run. */
  async #run(spec: ContainerSpec, id: string, control: Control, launch: Launch): Promise<RunningContainer> {
    const { child, streams, stdin, report } = await spawnWithPipes(spec, launch);
    const ended = endOf(child);
    const pid = await this.#spawned(child, spec, streams);
    this.#records.add(id, pid);
    const alive = (): boolean => child.exitCode === null && child.signalCode === null;
    const output = new LogFile(spec.logPath, this.#clock);
    this.#logs.set(spec.logPath, output);
    const exited = Promise.withResolvers<ContainerExit>();
    const terminal = Promise.withResolvers<TerminalResizer>();
    const attachable = new ContainerConsole({
      ...spec,
      stdin,
      stdout: streams[0],
      stderr: streams[1],
      output,
      exited: exited.promise,
      resize: (size) => void terminal.promise.then((resizer) => resizer.resize(size)),
    });
    const { app, init } = await this.#setUp(pid, report, launch, control, alive).catch((error: unknown) => {
      signalProcess(-pid, 'SIGKILL');
      this.#closeOutput(output, streams);
      throw error;
    });
    const startedAt = this.#clock.wall();
    // All that is left of it, whatever has become of its sessions and groups.
    const killAll = (): void => {
      this.#mounts.end(id);
      signalProcess(-pid, 'SIGKILL');
      if (init !== undefined) signalProcess(init, 'SIGKILL');
      control.kill();
    };
    control.started(pid, killAll);
    terminal.resolve(new TerminalResizer(app, this.#clock));
    const inside: Inside = { ...launch.inside, pid: init ?? app };
    this.#processes.set(id, inside.pid);
    if (launch.reports) this.#mounts.watch(id, spec, inside.pid);
    // As with a container: when the main process ends, whatever it left running ends with it.
    void ended.then((end) => {
      const oomKilled = end.code !== 0 && control.oomKilled();
      killAll();
      attachable.drain();
      exited.resolve(this.#finish({ id, end, oomKilled, streams, output, control, launch }));
    });
    return {
      id,
      runtime: this.name,
      startedAt,
      exited: exited.promise,
      signal: (name) => {
        if (!alive()) return;
        if (name === 'SIGKILL') killAll();
        // A container's signals are for its first process; plain processes get them as a group.
        else signalProcess(launch.reports ? app : -pid, name);
      },
      notes: [...launch.notes, ...control.notes],
      exec: (command, timeoutMs) => {
        const put = commandInside(inside, command);
        return execCommand(put.command, { env: put.env, workingDir: put.workingDir, timeoutMs }, this.#clock);
      },
      open: (options) => openProcess(inside, options, { scratch: dirname(spec.logPath), clock: this.#clock }),
      attach: (options) => attachable.attach(options),
      stats: async () => (alive() ? { at: this.#clock.wall(), ...control.read(pid) } : undefined),
    };
  }

  /** Waits for the setup to be through, where there is one, and finds the container's own process. */
  async #setUp(
    pid: number,
    report: Readable | undefined,
    launch: Launch,
    control: Control,
    alive: () => boolean,
  ): Promise<{ readonly app: number; readonly init: number | undefined }> {
    if (report === undefined) return { app: pid, init: undefined };
    const { init, ok, message } = await readSetup(report);
    if (!ok) throw new ContainerStartError(message === '' ? 'the setup of the container ended unexpectedly' : message);
    if (!launch.forks) return { app: pid, init };
    const app = await findApp(pid, init, control.pids, alive, this.#clock);
    return { app: app ?? pid, init };
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

  #closeOutput(output: LogFile, streams: readonly Readable[]): void {
    for (const stream of streams) stream.destroy();
    output.close();
    if (this.#logs.get(output.path) === output) this.#logs.delete(output.path);
  }

  /** Waits for the last of the output, and frees what the container needed. */
  async #finish(finished: Finished): Promise<ContainerExit> {
    const { id, end, oomKilled, streams, output, control, launch } = finished;
    this.#processes.delete(id);
    const exit = exitOf(end.code, end.signal, this.#clock.wall());
    const drained = Promise.all(
      streams.map((stream) => (stream.closed ? undefined : new Promise((resolve) => stream.once('close', resolve)))),
    );
    // A process that left the group may hold the pipes open for good.
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(DRAIN_MS, late.resolve);
    await Promise.race([drained, late.promise]);
    cancel();
    this.#closeOutput(output, streams);
    this.#sweepEnded(id);
    // The next start takes the same groups: what is still in them must not be taken for its own.
    await control.end();
    void launch.cleanUp();
    return { ...exit, ...(oomKilled ? { oomKilled: true as const } : {}) };
  }
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Finished {
  readonly id: string;
  readonly end: End;
  readonly oomKilled: boolean;
  readonly streams: readonly Readable[];
  readonly output: LogFile;
  readonly control: Control;
  readonly launch: Launch;
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}
