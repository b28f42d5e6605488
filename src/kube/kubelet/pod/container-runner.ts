// Keeps one container of a pod as it should be: starts it when it may, holds it back when it crashes, restarts it when
// it is unhealthy. Knows nothing of the other containers and of the pod's order.
import { join } from 'node:path';
import type { Container, ContainerStatus, EphemeralContainer, Pod, Probe } from 'kubernetes-types/core/v1.js';
import type { Cancel } from '#lib/clock.ts';
import type { PodFacts } from '../env/field-ref.ts';
import type { Image } from '../image/image-service.ts';
import { ContainerProbes } from '../prober/container-probes.ts';
import type { RunningContainer, Sandbox } from '../runtime.ts';
import { Backoff, formatDelay } from './backoff.ts';
import { StartFailure, type StartInput, startContainer } from './container-starter.ts';
import { Deadline } from './deadline.ts';
import { runHook } from './hooks.ts';
import { type ContainerKind, shouldRestart } from './restart-policy.ts';
import { stopContainer } from './stop-container.ts';
import { terminationMessage } from './termination-message.ts';
import { TrackedContainer } from './tracked-container.ts';
import { formatPod, type PodWorkerDependencies } from './worker-types.ts';

/** A container whose ConfigMap or Secret is missing is tried again at the latest after this long, in milliseconds. */
const CONFIG_RETRY_MS = 10_000;
/** Which event tells of an image that cannot be used, beside the one that names the reason. */
const IMAGE_EVENTS: Partial<Record<StartFailure['reason'], string>> = {
  ErrImageNeverPull: 'ErrImageNeverPull',
  InvalidImageName: 'InspectFailed',
};
/** Hooks without a limit of their own end at the latest after this long, in milliseconds. */
const HOOK_LIMIT_MS = 10 * 60_000;
/** Of this, half is granted to requests under way in a container that failed its liveness probe, in milliseconds. */
const UNHEALTHY_DRAIN_MS = 4_000;

type Commands = Pick<RunningContainer, 'exec'>;

/** A stub has none of the image's programs: probes and hooks that run one are taken for good. */
const agreeable: Commands = { exec: async () => ({ exitCode: 0, output: '', timedOut: false }) };

/** The pod around the container, as it is now. */
export interface PodContext {
  pod(): Pod;
  facts(): PodFacts;
  sandbox(): Sandbox;
  volumes(): ReadonlyMap<string, string>;
  /** Status or state changed: show it, and look again what is to be done. */
  changed(): void;
  /** The status changed, but there is nothing to do until something else happens. */
  shown(): void;
  /** Resolves when the pod, which is not ready any more, is asked nothing, or half of `limitMs` has passed. */
  drain(limitMs: number): Promise<void>;
  /** The pod is being ended: nothing is to be started any more. */
  ending(): boolean;
  /** A container of the pod, while it runs. */
  running(container: string): RunningContainer | undefined;
  /** Resolves when the pod begins to end. */
  untilEnding: Promise<void>;
}

export class ContainerRunner {
  readonly tracked: TrackedContainer;
  readonly #container: Container;
  readonly #context: PodContext;
  readonly #deps: PodWorkerDependencies;
  readonly #backoff: Backoff;
  readonly #podDir: string;
  #logPath = '';
  #imageFailure: { readonly at: number; readonly message: string } | undefined;
  #cancelRetry: Cancel = () => {};
  #deadline: Deadline | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    container: Container,
    kind: ContainerKind,
    context: PodContext,
    deps: PodWorkerDependencies,
    podDir: string,
  ) {
    const initializing = kind === 'app' && (context.pod().spec?.initContainers ?? []).length > 0;
    this.tracked = new TrackedContainer(container, kind, initializing ? 'PodInitializing' : 'ContainerCreating');
    this.#container = container;
    this.#context = context;
    this.#deps = deps;
    this.#backoff = new Backoff(deps.clock);
    this.#podDir = podDir;
  }

  get #podIp(): string {
    return this.#context.facts().podIps[0] ?? '';
  }

  get #dir(): string {
    return join(this.#podDir, 'containers', this.#container.name);
  }

  /** Log file of the start number `attempt`, counted from 0. */
  logPathOf(attempt: number): string {
    return join(this.#podDir, 'logs', this.#container.name, `${attempt}.log`);
  }

  /** Log file of the current run, or of the one before it. */
  logPath(previous: boolean): string | undefined {
    // A container that waits for its next start has nothing newer than the run before.
    const back = previous && this.tracked.waitingReason === undefined ? 2 : 1;
    const attempt = this.tracked.attempts - back;
    return attempt < 0 ? undefined : this.logPathOf(attempt);
  }

  /** Why `logPath` had nothing to name, in upstream's words. */
  noLogMessage(previous: boolean): string {
    const what = `container "${this.#container.name}" in pod "${this.#context.pod().metadata?.name}"`;
    if (previous) return `previous terminated ${what} not found`;
    return `${what} is waiting to start: ${this.tracked.waitingReason ?? ''}`;
  }

  /** Takes over what an earlier run of the kubelet reported. */
  restore(status: ContainerStatus): void {
    this.tracked.restore(status, (exitCode) => shouldRestart(this.#context.pod(), this.tracked.kind, exitCode));
  }

  /** Whether it ended and stays so. */
  get finished(): boolean {
    const { ended, kind } = this.tracked;
    return ended !== undefined && !shouldRestart(this.#context.pod(), kind, ended.exitCode);
  }

  /** Starts the container when it does not run and may. Resolves when it runs, or when it is known that it cannot now. */
  async ensureRunning(): Promise<void> {
    if (this.tracked.run !== undefined || this.finished || !this.#mayStart()) return;
    const pod = this.#context.pod();
    this.#logPath = this.logPathOf(this.tracked.attempts);
    const input: StartInput = {
      pod,
      container: this.#container,
      task:
        this.tracked.kind === 'init' ||
        this.tracked.kind === 'ephemeral' ||
        (this.tracked.kind === 'app' && pod.spec?.restartPolicy !== 'Always'),
      facts: this.#context.facts(),
      sandbox: this.#context.sandbox(),
      volumes: this.#context.volumes(),
      containerDir: this.#dir,
      logPath: this.#logPath,
      ...this.#target(),
    };
    try {
      const { running, image } = await startContainer(input, this.#deps);
      await this.#onStarted(running, image);
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      this.#onStartFailed(error);
    }
  }

  /** Whose processes it is to see, for one that was added to look at another. */
  #target(): Pick<StartInput, 'target'> {
    const { targetContainerName: name = '' } = this.#container as EphemeralContainer;
    return name === '' ? {} : { target: { name, id: this.#context.running(name)?.id } };
  }

  /**
   * Ends the container within `graceMs`; called again with less, it ends sooner. Resolves when it is gone.
   * `message` is that of the `Killing` event; `hard` grants no time beyond `graceMs`.
   */
  async stop(graceMs: number, message = `Stopping container ${this.#container.name}`, hard = false): Promise<void> {
    this.#cancelRetry();
    const { run } = this.tracked;
    if (run === undefined) return;
    if (this.tracked.stopping) {
      this.#deadline?.lower(this.#deps.clock.now() + graceMs);
      return await this.#stopped;
    }
    this.tracked.stopping = true;
    const { clock } = this.#deps;
    const deadline = new Deadline(clock, clock.now() + graceMs);
    this.#deadline = deadline;
    this.#event('Normal', 'Killing', message);
    this.#stopped = stopContainer({
      container: this.#container,
      running: run.handle,
      podIp: this.#podIp,
      deadline,
      clock,
      hard,
      onHookFailed: (failure) => {
        this.#deps.log.info({ pod: formatPod(this.#context.pod()), failure }, 'preStop hook failed');
        this.#event('Warning', 'FailedPreStopHook', 'PreStopHook failed');
      },
    });
    return await this.#stopped;
  }

  /** Lowers the time a stop in progress has left. */
  hurry(graceMs: number): void {
    this.#deadline?.lower(this.#deps.clock.now() + graceMs);
  }

  #mayStart(): boolean {
    const { ended } = this.tracked;
    const name = this.#container.name;
    if (this.#imageFailure !== undefined && !this.#mayPullAgain(this.#imageFailure)) return false;
    if (ended === undefined) return true;
    const remaining = this.#backoff.remaining('crash', ended.at);
    if (remaining > 0) {
      if (this.tracked.waitingReason !== 'CrashLoopBackOff') {
        const pod = this.#context.pod();
        const delay = formatDelay(this.#backoff.delay('crash'));
        this.tracked.waiting(
          'CrashLoopBackOff',
          `back-off ${delay} restarting failed container=${name} pod=${formatPod(pod)}`,
        );
        this.#event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${formatPod(pod)}`);
        this.#context.changed();
      }
      this.#retryAfter(remaining);
      return false;
    }
    this.#backoff.next('crash', ended.at);
    return true;
  }

  #mayPullAgain(failure: { readonly at: number; readonly message: string }): boolean {
    const remaining = this.#backoff.remaining('image', failure.at);
    if (remaining === 0) return true;
    if (this.tracked.waitingReason !== 'ImagePullBackOff') {
      const text = `Back-off pulling image "${this.#container.image}"`;
      this.tracked.waiting('ImagePullBackOff', `${text}: ErrImagePull: ${failure.message}`);
      this.#event('Normal', 'BackOff', text);
      this.#event('Warning', 'Failed', 'Error: ImagePullBackOff');
      this.#context.changed();
    }
    this.#retryAfter(remaining);
    return false;
  }

  #retryAfter(ms: number): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#deps.clock.after(ms, () => this.#context.changed());
  }

  async #onStarted(handle: RunningContainer, image: Image): Promise<void> {
    const { clock } = this.#deps;
    const { image: name } = this.#container;
    this.#imageFailure = undefined;
    this.#event(
      'Normal',
      'Pulled',
      image.pulled
        ? `Successfully pulled image "${name}"`
        : `Container image "${name}" already present on machine and can be accessed by the pod`,
    );
    this.#event('Normal', 'Created', 'Container created');
    this.#event('Normal', 'Started', 'Container started');
    for (const { reason, message } of handle.notes) this.#event('Warning', reason, message);
    const startedAt = clock.now();
    const commands = image.stub ? agreeable : handle;
    const probes = this.#probes(commands, startedAt);
    this.tracked.running({ handle, probes, startedAt }, image.id);
    void handle.exited.then((exit) => {
      const run = { exitCode: exit.exitCode, startedAt: handle.startedAt };
      const message = terminationMessage(this.#container, this.#dir, this.#logPath, run);
      this.tracked.exited(exit, clock.now(), message);
      this.#context.changed();
    });
    const hook = this.#container.lifecycle?.postStart;
    if (hook !== undefined) await this.#postStart(handle, commands, hook);
    if (this.tracked.run?.handle === handle && !this.#context.ending()) probes.start();
    this.#context.changed();
  }

  async #postStart(
    running: RunningContainer,
    commands: Commands,
    hook: NonNullable<NonNullable<Container['lifecycle']>['postStart']>,
  ): Promise<void> {
    const input = {
      container: this.#container,
      running: commands,
      podIp: this.#podIp,
      limitMs: HOOK_LIMIT_MS,
      clock: this.#deps.clock,
    };
    // The container may end under its hook, or the pod be deleted; then there is nothing left to wait for.
    const failure = await Promise.race([
      runHook(hook, input),
      running.exited.then(() => undefined),
      this.#context.untilEnding.then(() => undefined),
    ]);
    if (failure === undefined || this.tracked.run?.handle !== running) return;
    this.#event('Warning', 'FailedPostStartHook', 'PostStartHook failed');
    await this.stop(this.#graceMs(), 'FailedPostStartHook');
  }

  #probes(commands: Commands, startedAt: number): ContainerProbes {
    const { clock } = this.#deps;
    return new ContainerProbes({
      subject: { container: this.#container, podIp: this.#podIp, running: commands },
      clock,
      startedAt,
      onChange: () => this.#context.changed(),
      onUnhealthy: (kind, probe) => this.#onUnhealthy(kind, probe),
      onTrouble: (kind, result) => {
        const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
        const what = result.outcome === 'unknown' ? 'errored and resulted in unknown state' : 'failed';
        this.#event('Warning', 'Unhealthy', `${title} probe ${what}: ${result.output}`);
      },
    });
  }

  #onUnhealthy(kind: 'liveness' | 'startup', probe: Probe): void {
    if (this.#context.ending()) return;
    const name = this.#container.name;
    const graceMs = (probe.terminationGracePeriodSeconds ?? this.#graceMs() / 1000) * 1000;
    void this.#restartUnhealthy(graceMs, `Container ${name} failed ${kind} probe, will be restarted`);
  }

  /** A container that still answers some finishes what it has; one that hangs is not given long. */
  async #restartUnhealthy(graceMs: number, message: string): Promise<void> {
    const { run } = this.tracked;
    if (run === undefined) return;
    if (run.probes.ready) {
      run.probes.unready();
      this.#context.shown();
      await Promise.race([this.#context.drain(Math.min(graceMs, UNHEALTHY_DRAIN_MS)), this.#context.untilEnding]);
    }
    if (this.tracked.run === run && !this.#context.ending()) await this.stop(graceMs, message);
  }

  #graceMs(): number {
    return (this.#context.pod().spec?.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #onStartFailed(failure: StartFailure): void {
    const { clock } = this.#deps;
    if (failure.reason === 'ErrImagePull') {
      const at = clock.now();
      this.#backoff.next('image', at);
      this.#imageFailure = { at, message: failure.message };
      this.tracked.waiting('ErrImagePull', failure.message);
      this.#event('Warning', 'Failed', `Failed to pull image "${this.#container.image}": ${failure.message}`);
      this.#event('Warning', 'Failed', 'Error: ErrImagePull');
    } else if (failure.reason === 'RunContainerError') {
      this.tracked.startFailed(failure.message, clock.now(), clock.wall());
      this.#event('Warning', 'Failed', `Error: ${failure.message}`);
    } else {
      this.tracked.waiting(failure.reason, failure.message);
      const event = IMAGE_EVENTS[failure.reason];
      if (event !== undefined) this.#event('Warning', event, failure.message);
      this.#event('Warning', 'Failed', `Error: ${event === undefined ? failure.message : failure.reason}`);
      this.#retryAfter(CONFIG_RETRY_MS);
      this.#context.shown();
      return;
    }
    this.#context.changed();
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#deps.events(this.#context.pod(), this.#container.name, type, reason, message);
  }
}
