// What the kubelet remembers of one container of a pod: its run, its end, its restarts, and what the API shows of it.
// Decides nothing; the pod worker does.
import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus } from 'kubernetes-types/core/v1.js';
import type { ContainerProbes } from '../prober/container-probes.ts';
import type { ContainerExit, RunningContainer } from '../runtime.ts';
import type { ContainerKind } from './restart-policy.ts';

interface Run {
  readonly handle: RunningContainer;
  readonly probes: ContainerProbes;
  /** Clock time (`now()`) of the start. */
  readonly startedAt: number;
}

export interface Ended {
  readonly exitCode: number;
  /** Clock time (`now()`). */
  readonly at: number;
}

function iso(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

function endReason({ exitCode, oomKilled }: ContainerExit): string {
  if (oomKilled === true) return 'OOMKilled';
  return exitCode === 0 ? 'Completed' : 'Error';
}

export class TrackedContainer {
  readonly container: Container;
  readonly kind: ContainerKind;
  /** Set while the container is being stopped on purpose: nobody else stops it then. */
  stopping = false;
  /** Starts so far: names the log file of the next. */
  attempts = 0;
  restartCount = 0;
  #run: Run | undefined;
  #ended: Ended | undefined;
  #state: ContainerState;
  #lastState: ContainerState | undefined;
  #containerId = '';
  #imageId = '';

  constructor(container: Container, kind: ContainerKind, waitingReason: string) {
    this.container = container;
    this.kind = kind;
    this.#state = { waiting: { reason: waitingReason } };
  }

  get name(): string {
    return this.container.name;
  }

  get run(): Run | undefined {
    return this.#run;
  }

  /** How it ended last; `undefined` while it runs and before it ever ran. */
  get ended(): Ended | undefined {
    return this.#run === undefined ? this.#ended : undefined;
  }

  /** Started in the sense of startup probes. */
  get started(): boolean {
    return this.#run?.probes.started ?? false;
  }

  /** Takes over what the API last showed, when the kubelet itself was started anew: its processes are gone. */
  restore(status: ContainerStatus, restarts: (exitCode: number) => boolean): void {
    this.restartCount = status.restartCount;
    this.attempts = status.restartCount;
    this.#lastState = status.lastState?.terminated === undefined ? undefined : status.lastState;
    if (status.containerID === undefined || status.containerID === '') return;
    this.attempts += 1;
    const { terminated = this.#lost(status) } = status.state ?? {};
    if (terminated === undefined || restarts(terminated.exitCode)) {
      this.restartCount += 1;
      if (terminated !== undefined) this.#lastState = { terminated };
      return;
    }
    this.#containerId = status.containerID;
    this.#imageId = status.imageID;
    this.#state = { terminated };
    this.#ended = { exitCode: terminated.exitCode, at: 0 };
  }

  /** A container that ran when the kubelet last wrote: how it ended, nobody saw. */
  #lost(status: ContainerStatus): ContainerStateTerminated | undefined {
    const { running } = status.state ?? {};
    if (running === undefined) return undefined;
    const { containerID = '' } = status;
    return { exitCode: 255, reason: 'Unknown', startedAt: running.startedAt, containerID };
  }

  waiting(reason: string, message?: string): void {
    if (this.#state.terminated !== undefined) this.#lastState = { terminated: this.#state.terminated };
    this.#state = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  }

  get waitingReason(): string | undefined {
    return this.#state.waiting?.reason;
  }

  running(run: Run, imageId: string): void {
    if (this.#state.terminated !== undefined) this.#lastState = { terminated: this.#state.terminated };
    if (this.#ended !== undefined) this.restartCount += 1;
    this.attempts = this.restartCount + 1;
    this.#run = run;
    this.#containerId = `${run.handle.runtime}://${run.handle.id}`;
    this.#imageId = imageId;
    this.#state = { running: { startedAt: iso(run.handle.startedAt) } };
  }

  /** The container's process is gone. `message` is what it left in its termination file. */
  exited(exit: ContainerExit, at: number, message: string | undefined): void {
    const startedAt = this.#run === undefined ? exit.finishedAt : this.#run.handle.startedAt;
    this.#run?.probes.stop();
    this.#run = undefined;
    this.stopping = false;
    this.#ended = { exitCode: exit.exitCode, at };
    this.#state = {
      terminated: {
        exitCode: exit.exitCode,
        ...(exit.signal === undefined ? {} : { signal: exit.signal }),
        reason: endReason(exit),
        ...(message === undefined || message === '' ? {} : { message }),
        startedAt: iso(startedAt),
        finishedAt: iso(exit.finishedAt),
        containerID: this.#containerId,
      },
    };
  }

  /** The process could not even be started: counts as an end, so that back-off applies. */
  startFailed(message: string, at: number, wall: number): void {
    if (this.#ended !== undefined) this.restartCount += 1;
    this.attempts = this.restartCount + 1;
    this.#ended = { exitCode: 128, at };
    const time = iso(wall);
    this.#lastState = {
      terminated: { exitCode: 128, reason: 'StartError', message, startedAt: time, finishedAt: time },
    };
    this.#state = { waiting: { reason: 'RunContainerError', message } };
  }

  /** What it has done is to be done once more. */
  again(): void {
    if (this.kind !== 'init' || this.#ended?.exitCode !== 0) return;
    this.restartCount += 1;
    this.#ended = undefined;
    this.waiting('PodInitializing');
  }

  /** The pod is over and this container never ran. */
  neverRan(): void {
    if (this.#run !== undefined || this.#state.terminated !== undefined) return;
    this.#state = {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      },
    };
  }

  status(): ContainerStatus {
    const done = this.kind === 'init' && this.#state.terminated?.exitCode === 0;
    return {
      name: this.name,
      state: this.#state,
      lastState: this.#lastState ?? {},
      ready: this.kind === 'init' ? done : this.kind !== 'ephemeral' && (this.#run?.probes.ready ?? false),
      restartCount: this.restartCount,
      image: this.container.image ?? '',
      imageID: this.#imageId,
      ...(this.#containerId === '' ? {} : { containerID: this.#containerId }),
      started: this.started,
    };
  }
}
