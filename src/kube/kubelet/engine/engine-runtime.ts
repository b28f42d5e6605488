// Containers of real images, run by podman or docker: created, started, watched, signalled and removed over its socket.
// Knows no pod worker; what a container needs is described in dialect.ts.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { ContainerConsole } from '../container-console.ts';
import { hiddenInVolumes } from '../hidden-mounts.ts';
import { LogFile } from '../process/log-file.ts';
import {
  type ContainerExit,
  type ContainerSpec,
  ContainerStartError,
  type LogTail,
  type RunningContainer,
  type Runtime,
  type StartNote,
} from '../runtime.ts';
import { apiPrefix, describe, type EngineKind, OWNER_LABEL } from './dialect.ts';
import { EngineError } from './engine-api.ts';
import { type Attached, attachTo } from './engine-attach.ts';
import { execIn } from './engine-exec.ts';
import { EngineImages } from './engine-images.ts';
import { readStats } from './engine-stats.ts';
import { openIn } from './engine-streams.ts';
import type { OpenEngine } from './open.ts';
import { ownLimits } from './own-limits.ts';
import { ownNetns } from './own-netns.ts';
import { Resizer } from './resizer.ts';
import { EngineSandboxes } from './sandboxes.ts';

export interface EngineRuntimeOptions {
  readonly engine: OpenEngine;
  /** Told apart from other nodes' and clusters' containers by this. */
  readonly owner: string;
  /** Directories that no volume is to show, and an empty one to lie over them. */
  readonly hidden?: { readonly dirs: readonly string[]; readonly empty: string };
  readonly clock: Clock;
  readonly log: Logger;
}

interface State {
  readonly State: { readonly ExitCode: number; readonly OOMKilled: boolean; readonly Pid: number };
}

interface Created {
  readonly id: string;
  readonly attached: Attached;
}

/** How long an engine may take to hand over the last output of a container that has ended, in milliseconds. */
const DRAIN_MS = 10_000;

/** What the OCI runtimes say when the machine does not let them do as they please; another one may ask for less. */
const OCI_REFUSAL = /setrlimit|cgroup|OCI permission denied|hybrid mode/i;

/** The pod's network, or the node's where that is not the machine's, which is what an engine knows as the host's. */
function netnsOf({ sandbox }: ContainerSpec): string | undefined {
  return sandbox.netns ?? ownNetns();
}

/** What the pod asks for and cannot have in the machine's own network, where pods have no sandboxes. */
function notesOf({ sandbox }: ContainerSpec, kind: EngineKind): StartNote[] {
  if (sandbox.isolation !== undefined || sandbox.asked?.pid !== 'pod') return [];
  const message = `shareProcessNamespace has no effect on containers of ${kind} here: they see each other with --network netns`;
  return [{ reason: 'ProcessesNotShared', message }];
}

/** An engine that we have not started may not find a file of ours that names a process. */
function withoutIpc({ podIpc, ...spec }: ContainerSpec): ContainerSpec {
  return podIpc === undefined ? spec : { ...spec, podIpc: { shm: podIpc.shm } };
}

/** An engine outside of our PID namespace numbers processes differently; the control group has the container's name. */
function isOf(id: string, pid: number): boolean {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id);
  } catch {
    // Nobody has this number here.
    return false;
  }
}

export class EngineRuntime implements Runtime {
  readonly name: EngineKind;
  readonly images: EngineImages;
  readonly #options: EngineRuntimeOptions;
  readonly #prefix: string;
  readonly #logs = new Map<string, LogFile>();
  readonly #ids = new Set<string>();
  /** For docker, which joins containers alone; podman joins whatever it is told to. */
  readonly #sandboxes: EngineSandboxes | undefined;
  #lost: (podUid: string) => void = () => {};
  /** The OCI runtime that took the place of the engine's own. */
  #switched: string | undefined;
  #starts = 0;

  constructor(options: EngineRuntimeOptions) {
    this.#options = options;
    const { kind, api } = options.engine;
    this.name = kind;
    this.images = new EngineImages(api, kind);
    if (kind === 'docker') this.#sandboxes = new EngineSandboxes({ ...options, api, lost: (uid) => this.#lost(uid) });
    this.#prefix = `${apiPrefix(kind)}/containers`;
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const { clock, engine } = this.#options;
    const { kind, api } = engine;
    const { id, attached } = await this.#create(spec);
    const startedAt = clock.wall();
    const output = new LogFile(spec.logPath, clock);
    this.#logs.set(spec.logPath, output);
    const path = `${this.#prefix}/${id}`;
    const resizer = new Resizer(api, path);
    const end = Promise.withResolvers<ContainerExit>();
    const exited = end.promise;
    const { stdin, stdout, stderr } = attached;
    const streams = new ContainerConsole({
      ...spec,
      stdin,
      stdout,
      stderr,
      output,
      exited,
      resize: (size) => resizer.resize(size),
    });
    void this.#watch(id, attached, streams, output).then((exit) => {
      resizer.stop();
      end.resolve(exit);
    });
    return {
      id,
      runtime: kind,
      startedAt,
      notes: notesOf(spec, kind),
      exited,
      signal: (name) => {
        // A container that has ended answers 409, which is as good.
        api.json('POST', `${path}/kill?signal=${name}`).catch(() => {});
      },
      exec: (command, timeoutMs) => execIn({ api, prefix: apiPrefix(kind), clock }, id, command, timeoutMs),
      open: (options) => openIn(api, apiPrefix(kind), id, options),
      attach: (options) => streams.attach(options),
      stats: () => readStats(api, path, clock),
    };
  }

  async sweep(): Promise<number> {
    // A process at its end has no time to wait for answers.
    this.#sandboxes?.forgetAll();
    const known = this.#ids.size;
    if (known > 0 && this.name === 'podman') {
      spawnSync('podman', ['rm', '--force', '--time', '0', ...this.#ids], { stdio: 'ignore' });
    }
    const filters = encodeURIComponent(JSON.stringify({ label: [`${OWNER_LABEL}=${this.#options.owner}`] }));
    const found = await this.#options.engine.api.json<{ Id: string }[]>(
      'GET',
      `${this.#prefix}/json?all=true&filters=${filters}`,
    );
    await Promise.all(found.map(({ Id }) => this.#remove(Id)));
    return known + found.length;
  }

  async processOf(id: string): Promise<number | undefined> {
    if (!this.#ids.has(id)) return undefined;
    const { State } = await this.#options.engine.api.json<State>('GET', `${this.#prefix}/${id}/json`);
    return isOf(id, State.Pid) ? State.Pid : undefined;
  }

  get joinsFiles(): boolean {
    return this.name === 'podman';
  }

  async releasePod(podUid: string): Promise<void> {
    await this.#sandboxes?.release(podUid);
  }

  async sandboxEnded(podUid: string): Promise<boolean> {
    return (await this.#sandboxes?.hasEnded(podUid)) === true;
  }

  onSandboxLost(listener: (podUid: string) => void): void {
    this.#lost = listener;
  }

  follow(logPath: string, onLine: (line: string) => void): LogTail | undefined {
    const log = this.#logs.get(logPath);
    if (log === undefined) return undefined;
    return { ended: log.ended, stop: log.listen(onLine) };
  }

  /** Creates and starts; where the OCI runtime asks for what this machine does not allow, the other one is tried. */
  async #create(spec: ContainerSpec): Promise<Created> {
    const { engine, log } = this.#options;
    try {
      return await this.#createOnce(spec);
    } catch (error) {
      const text = (error as Error).message;
      if (!OCI_REFUSAL.test(text)) throw new ContainerStartError(text);
      if (engine.useOciRuntime === undefined || this.#switched !== undefined) {
        throw new ContainerStartError(`${text}: set another OCI runtime for ${engine.kind}, e.g. runc or crun`);
      }
      this.#switched = /\brunc\b/.test(text) ? 'crun' : 'runc';
      log.warn({ error: text, other: this.#switched }, 'The OCI runtime of podman cannot work here, taking another');
      await engine.useOciRuntime(this.#switched);
      return await this.#createOnce(spec).catch((second: Error) => {
        throw new ContainerStartError(`${text}; and with ${this.#switched}: ${second.message}`);
      });
    }
  }

  async #createOnce(asked: ContainerSpec): Promise<Created> {
    const { engine, owner } = this.#options;
    const spec = this.#covered(engine.useOciRuntime === undefined ? withoutIpc(asked) : asked);
    const netns = netnsOf(spec);
    const sandbox = netns === undefined ? undefined : await this.#sandboxes?.of(spec, netns);
    const name = `k8s_${spec.name}_${spec.podName}_${spec.namespace}_${spec.podUid}_${this.#starts++}`;
    const { path, body } = describe(engine.kind, spec, {
      owner,
      name,
      ...ownLimits(),
      ...(netns === undefined ? {} : { netns }),
      ...(sandbox === undefined ? {} : { sandbox }),
    });
    const { Id: id } = await engine.api.json<{ Id: string }>('POST', path, body);
    this.#ids.add(id);
    let attached: Attached | undefined;
    try {
      attached = await attachTo(engine.api, `${this.#prefix}/${id}`, spec);
      await engine.api.json('POST', `${this.#prefix}/${id}/start`);
      return { id, attached };
    } catch (error) {
      attached?.close();
      await this.#remove(id);
      throw error;
    }
  }

  #covered(spec: ContainerSpec): ContainerSpec {
    const { hidden } = this.#options;
    if (hidden === undefined) return spec;
    const covers = hiddenInVolumes(spec.mounts, hidden.dirs).map((mountPath) => ({
      volume: '',
      source: hidden.empty,
      mountPath,
      readOnly: true,
    }));
    return covers.length === 0 ? spec : { ...spec, mounts: [...spec.mounts, ...covers] };
  }

  async #watch(id: string, attached: Attached, streams: ContainerConsole, output: LogFile): Promise<ContainerExit> {
    const { engine, clock, log } = this.#options;
    const { api } = engine;
    try {
      const { StatusCode } = await api.json<{ StatusCode: number }>('POST', `${this.#prefix}/${id}/wait`);
      const { State } = await api.json<State>('GET', `${this.#prefix}/${id}/json`);
      const known = Object.values(constants.signals).includes((StatusCode - 128) as never);
      return {
        exitCode: StatusCode,
        ...(StatusCode > 128 && known ? { signal: StatusCode - 128 } : {}),
        ...(State.OOMKilled ? { oomKilled: true as const } : {}),
        finishedAt: clock.wall(),
      };
    } catch (error) {
      // Removed by somebody else, or the engine is gone: what became of it, nobody can say.
      log.warn({ container: id, error: (error as Error).message }, 'Lost sight of a container');
      return { exitCode: 137, finishedAt: clock.wall() };
    } finally {
      streams.drain();
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(DRAIN_MS, late.resolve);
      await Promise.race([finished(attached), late.promise]);
      cancel();
      attached.close();
      output.close();
      if (this.#logs.get(output.path) === output) this.#logs.delete(output.path);
      await this.#remove(id);
    }
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.#options.engine.api.json('DELETE', `${this.#prefix}/${id}?force=true&v=true`);
      this.#ids.delete(id);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) this.#ids.delete(id);
      else this.#options.log.warn({ container: id, error: (error as Error).message }, 'Cannot remove a container');
    }
  }
}

/** Resolves when everything that the container has said was taken. */
async function finished({ stdout, stderr }: Attached): Promise<void> {
  await Promise.all([stdout, stderr].map((output) => (output.closed ? undefined : once(output, 'close'))));
}
