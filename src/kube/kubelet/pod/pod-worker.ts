// One pod from its first sight to its deletion: a level-triggered loop that always looks at everything anew.
// Knows no other pod; order, states and ends are decided here, single containers in container-runner.ts.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod, PodStatus } from 'kubernetes-types/core/v1.js';
import type { Cancel } from '#lib/clock.ts';
import type { RunningContainer, Sandbox } from '../runtime.ts';
import { ContainerRunner, type PodContext } from './container-runner.ts';
import { deletePodObject } from './delete-object.ts';
import { PodContainers } from './pod-containers.ts';
import { deadlineExceeded, EVICTED_GRACE_MS, failureOf, type PodFailure } from './pod-failure.ts';
import { podStatus } from './pod-status.ts';
import type { ContainerKind } from './restart-policy.ts';
import { PodSandbox } from './sandbox.ts';
import { PodStatusWriter } from './status-writer.ts';
import type { PodWorkerDependencies } from './worker-types.ts';

/** A step that failed for an unforeseen reason is tried again after this long, in milliseconds. */
const RETRY_MS = 2_000;
/** What a pod that was taken from the API without grace has left, in milliseconds. */
const REMOVED_GRACE_MS = 1_000;
/** How long the kubelet's own end waits for a last status to be written, in milliseconds. */
const LAST_WRITE_MS = 1_000;

/** Why the pod is being ended. */
type Ending = 'deleted' | 'removed' | 'failed' | 'shutdown';

export class PodWorker {
  readonly uid: string;
  readonly #deps: PodWorkerDependencies;
  readonly #containers: PodContainers;
  readonly #writer: PodStatusWriter;
  readonly #done = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  /** There is no time left for anyone. */
  readonly #hurried = Promise.withResolvers<void>();
  readonly #podDir: string;
  readonly #sandbox: PodSandbox;
  readonly #startTime: string;
  #pod: Pod;
  #status: PodStatus;
  #initialized = false;
  #terminal = false;
  #sandboxLost = false;
  /** Why it failed as a whole. */
  #failure: PodFailure | undefined;
  #ending: Ending | undefined;
  /** Clock time at which everything of the pod must be gone. */
  #endBy = Number.POSITIVE_INFINITY;
  readonly #changeListeners = new Set<() => void>();
  #dirty = false;
  #looping = false;
  #cancelRetry: Cancel = () => {};
  #cancelDeadline: Cancel = () => {};

  constructor(pod: Pod, deps: PodWorkerDependencies) {
    const { uid = '', namespace = '', name = '' } = pod.metadata ?? {};
    this.uid = uid;
    this.#pod = pod;
    this.#deps = deps;
    this.#podDir = join(deps.dataDir, 'pods', uid);
    this.#sandbox = new PodSandbox(uid, this.#podDir, deps);
    this.#status = pod.status ?? {};
    this.#startTime = pod.status?.startTime ?? this.#now();
    this.#writer = new PodStatusWriter({ uid, namespace, name }, deps);
    const context: PodContext = {
      pod: () => this.#pod,
      facts: () => this.#sandbox.facts,
      sandbox: () => this.sandbox,
      volumes: () => this.#sandbox.volumes,
      changed: () => {
        this.#publish();
        this.#wake();
      },
      shown: () => this.#publish(),
      ending: () => this.#ending !== undefined,
      drain: (limitMs) => this.#drain(limitMs),
      running: (container) => this.running(container),
      untilEnding: this.#ended.promise,
    };
    const make = (container: Container, kind: ContainerKind): ContainerRunner =>
      new ContainerRunner(container, kind, context, deps, this.#podDir);
    this.#containers = new PodContainers(pod, make);
    this.#terminal = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    this.#failure = failureOf(pod.status);
  }

  /** Resolves when the pod is gone, or was shut down with the kubelet. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Resolves when the API knows how the pod is, or it is gone. */
  told(): Promise<void> {
    return Promise.race([this.#writer.flushed(), this.done]);
  }

  /** A newer version of the object. */
  update(pod: Pod): void {
    this.#sandbox.updated(pod, this.#pod);
    this.#pod = pod;
    this.#containers.adopt(pod);
    for (const listener of this.#changeListeners) listener();
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
    if (deletionTimestamp !== undefined) {
      const seconds = deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
      this.#end('deleted', Math.max(1, seconds) * 1000);
    }
    if (!this.#terminal) this.#publish();
    this.#writer.observed(pod);
    this.#wake();
  }

  /** The object is gone from the API: whatever still runs must end soon. */
  removed(): void {
    this.#writer.stop();
    this.#end('removed', REMOVED_GRACE_MS);
    this.#wake();
  }

  /** The pod takes more than it may. Upstream gives it a second. */
  evict(message: string): void {
    if (this.#ending !== undefined || this.#terminal) return;
    this.#deps.events(this.#pod, undefined, 'Warning', 'Evicted', message);
    this.#fail({ reason: 'Evicted', message }, EVICTED_GRACE_MS);
  }

  /** What the containers share has ended: they all start anew, as upstream. */
  sandboxLost(): void {
    if (this.#ending !== undefined || this.#terminal) return;
    this.#sandboxLost = true;
    this.#wake();
  }

  /** Something the pod refers to changed. */
  refresh(): void {
    this.#sandbox.invalidate();
    this.#wake();
  }

  /** Ends the containers because the kubelet stops; the object stays. */
  async shutdown(graceMs: number): Promise<void> {
    this.#end('shutdown', Math.min((this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000, graceMs));
    this.#wake();
    await this.done;
  }

  /** The running container of this name; undefined while it does not run. */
  running(container: string): RunningContainer | undefined {
    return this.#containers.find(container)?.tracked.run?.handle;
  }

  get sandbox(): Sandbox {
    return this.#sandbox.describe(this.#pod);
  }

  /** The log file of a container, of its current or its previous run. */
  logPath(container: string, previous: boolean): string | undefined {
    return this.#containers.find(container)?.logPath(previous);
  }

  /** Why `logPath` had nothing to name, in upstream's words. */
  noLogMessage(container: string, previous: boolean): string {
    const missing = `container ${container} is not valid for pod ${this.#pod.metadata?.name}`;
    return this.#containers.find(container)?.noLogMessage(previous) ?? missing;
  }

  get pod(): Pod {
    return { ...this.#pod, status: this.#status };
  }

  #now(): string {
    return `${new Date(this.#deps.clock.wall()).toISOString().slice(0, 19)}Z`;
  }

  #end(why: Ending, graceMs: number): void {
    const first = this.#ending === undefined;
    // Removal outranks what came before; a shutdown never turns into a deletion of the object by us.
    if (first || why === 'removed' || (why === 'deleted' && this.#ending === 'failed')) this.#ending = why;
    this.#ended.resolve();
    const by = this.#deps.clock.now() + graceMs;
    if (by >= this.#endBy) return;
    this.#endBy = by;
    if (!first) this.#hurried.resolve();
    for (const runner of this.#containers.all) runner.hurry(graceMs);
  }

  #wake(): void {
    this.#dirty = true;
    if (!this.#looping) void this.#loop();
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    while (this.#dirty) {
      this.#dirty = false;
      try {
        await this.#sync();
      } catch (error) {
        this.#deps.log.error({ pod: this.#pod.metadata?.name, error: (error as Error).message }, 'Pod step failed');
        this.#retryAfter(RETRY_MS);
      }
    }
    this.#looping = false;
  }

  #retryAfter(ms: number): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#deps.clock.after(ms, () => this.#wake());
  }

  async #sync(): Promise<void> {
    if (this.#ending !== undefined) return await this.#terminate();
    if (this.#terminal) return;
    const restarts = this.#containers.all.some(({ tracked, finished }) => tracked.ended !== undefined && !finished);
    if (restarts && (await this.#deps.runtime.sandboxEnded?.(this.uid))) this.#sandboxLost = true;
    if (this.#sandboxLost) await this.#renewSandbox();
    if (this.#ending !== undefined || !(await this.#prepare())) return;
    // Also while the pod's own have not got going: that may be what is to be found out.
    for (const runner of this.#containers.ephemerals) await runner.ensureRunning();
    if (!(await this.#runInits())) return;
    for (const runner of this.#containers.apps) {
      if (this.#ending !== undefined) return;
      await runner.ensureRunning();
    }
    if (this.#containers.apps.every((runner) => runner.finished)) await this.#finish();
  }

  /** Ends what runs, so that the next steps begin as with a new pod, which keeps its address. */
  async #renewSandbox(): Promise<void> {
    this.#sandboxLost = false;
    await this.#sandbox.renew(this.#pod, () => this.#stopAll());
    this.#initialized = false;
    for (const { tracked } of this.#containers.inits) tracked.again();
  }

  /** Address and volumes: without them no container starts. */
  async #prepare(): Promise<boolean> {
    const before = this.#sandbox.ready;
    const ready = await this.#sandbox.prepare(this.#pod);
    if (!ready) this.#retryAfter(RETRY_MS);
    else if (!before) this.#armActiveDeadline();
    if (!ready || !before) this.#publish();
    return ready;
  }

  #armActiveDeadline(): void {
    const seconds = this.#pod.spec?.activeDeadlineSeconds;
    if (seconds === undefined) return;
    const age = this.#deps.clock.wall() - Date.parse(this.#startTime);
    this.#cancelDeadline = this.#deps.clock.after(Math.max(0, seconds * 1000 - age), () =>
      this.#fail(deadlineExceeded, (this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000),
    );
  }

  /** Ends the containers and leaves the object as a record of why. */
  #fail(failure: PodFailure, graceMs: number): void {
    if (this.#ending !== undefined || this.#terminal) return;
    this.#failure = failure;
    this.#end('failed', graceMs);
    this.#wake();
  }

  /** Init containers one after another; sidecars among them stay. `true` when all have done their part. */
  async #runInits(): Promise<boolean> {
    for (const runner of this.#containers.inits) {
      const { tracked } = runner;
      if (this.#ending !== undefined) return false;
      if (tracked.kind === 'init') {
        if (this.#initialized || tracked.ended?.exitCode === 0) continue;
        if (runner.finished) {
          // It failed and may not run again: so will the pod.
          await this.#finish();
          return false;
        }
        await runner.ensureRunning();
        return false;
      }
      await runner.ensureRunning();
      if (!this.#initialized && !tracked.started) return false;
    }
    if (!this.#initialized) {
      this.#initialized = true;
      this.#publish();
    }
    return this.#ending === undefined;
  }

  /** Nothing will run again: sidecars end, and the final status is written. */
  async #finish(): Promise<void> {
    await this.#stopAll();
    this.#terminal = true;
    await this.#release();
    this.#publish();
  }

  /** The processes stay until nobody sends them requests, or for half of `limitMs`. */
  async #drain(limitMs: number): Promise<void> {
    const runs = this.#containers.apps.flatMap(({ tracked }) =>
      tracked.run === undefined ? [] : [tracked.run.handle.exited],
    );
    if (runs.length === 0) return;
    const over = Promise.race([Promise.all(runs), this.#hurried.promise]);
    await this.#deps.drain.wait(
      () => this.#pod,
      limitMs,
      over,
      (fn) => {
        this.#changeListeners.add(fn);
        return () => this.#changeListeners.delete(fn);
      },
    );
  }

  #remainingMs(): number {
    if (this.#endBy === Number.POSITIVE_INFINITY) {
      return (this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
    }
    return Math.max(0, this.#endBy - this.#deps.clock.now());
  }

  async #stopAll(): Promise<void> {
    await this.#containers.stop((runner) => runner.stop(this.#remainingMs(), undefined, this.#ending === 'shutdown'));
  }

  async #terminate(): Promise<void> {
    for (const runner of this.#containers.all) runner.tracked.run?.probes.terminating();
    if (this.#ending === 'deleted') await this.#drain(this.#remainingMs());
    await this.#stopAll();
    const ending = this.#ending;
    if (ending === 'shutdown') {
      this.#publish();
      // The containers are gone for good, and so is this run's place in the network.
      await this.#deps.network.tearDown(this.uid);
      const late = new Promise<void>((resolve) => void this.#deps.clock.after(LAST_WRITE_MS, resolve));
      await Promise.race([this.#writer.flushed(), late]);
      this.#close();
      return;
    }
    if (!this.#terminal) {
      for (const runner of this.#containers.apps) runner.tracked.neverRan();
      this.#terminal = true;
      this.#publish();
    }
    await this.#release();
    if (ending === 'failed') {
      // The object stays as a record; its deletion comes as another ending.
      if (this.#ending === 'failed') this.#ending = undefined;
      return;
    }
    if (ending === 'deleted') {
      await this.#writer.flushed();
      await deletePodObject(this.#deps.client, this.#pod);
    }
    this.#close();
  }

  async #release(): Promise<void> {
    this.#cancelRetry();
    this.#cancelDeadline();
    await this.#sandbox.release(this.#pod);
  }

  /** Logs live as long as the object. */
  #close(): void {
    this.#cancelRetry();
    this.#cancelDeadline();
    this.#writer.stop();
    if (this.#ending !== 'shutdown') rmSync(this.#podDir, { recursive: true, force: true });
    this.#done.resolve();
  }

  /** Of an earlier run: that of a pod which has ended is a record, and that of any other is gone. */
  #lastPodIps(): string[] {
    return this.#terminal ? (this.#status.podIPs ?? []).map(({ ip }) => ip ?? '') : [];
  }

  /** Brings what is known now to the API, at once. */
  #publish(): void {
    this.#status = podStatus({
      pod: this.#pod,
      inits: this.#containers.inits.map((runner) => runner.tracked),
      apps: this.#containers.apps.map((runner) => runner.tracked),
      ephemerals: this.#containers.ephemerals.map((runner) => runner.tracked),
      podIps: this.#sandbox.podIps ?? this.#lastPodIps(),
      hostIps: this.#deps.hostIps,
      startTime: this.#startTime,
      initialized: this.#initialized,
      sandboxReady: this.#sandbox.ready && !this.#terminal,
      terminal: this.#terminal,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      previous: this.#status,
      now: this.#now(),
    });
    this.#writer.write(this.#status);
  }
}
