// The end of one container: preStop, SIGTERM, and SIGKILL when its time is over.
// Knows neither the pod's other containers nor the API.
import type { Container } from 'kubernetes-types/core/v1.js';
import type { Clock } from '#lib/clock.ts';
import type { RunningContainer } from '../runtime.ts';
import type { Deadline } from './deadline.ts';
import { runHook } from './hooks.ts';

/** A container always gets this long between SIGTERM and SIGKILL, in milliseconds. */
const MINIMUM_MS = 2_000;

export interface StopInput {
  readonly container: Container;
  readonly running: RunningContainer;
  readonly podIp: string;
  /** Runs while the hook does; may be lowered from outside. */
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly onHookFailed: (message: string) => void;
  /** The deadline is the machine's, not the pod's: the hook gets half of the time, and nothing is added at the end. */
  readonly hard: boolean;
}

/** Resolves when the container is gone. (Upstream: kuberuntime_container.go killContainer.) */
export async function stopContainer(input: StopInput): Promise<void> {
  const { container, running, podIp, deadline, clock, onHookFailed, hard } = input;
  const hook = container.lifecycle?.preStop;
  if (hook !== undefined && deadline.remainingMs > 0) {
    const limitMs = hard ? deadline.remainingMs / 2 : deadline.remainingMs;
    const work = runHook(hook, { container, running, podIp, limitMs, clock }).then((failure) => {
      if (failure !== undefined) onHookFailed(failure);
    });
    await deadline.race(Promise.race([work, running.exited]));
  }
  if (!hard) deadline.atLeast(MINIMUM_MS);
  running.signal('SIGTERM');
  if (!(await deadline.race(running.exited))) running.signal('SIGKILL');
  await running.exited;
  deadline.cancel();
}
