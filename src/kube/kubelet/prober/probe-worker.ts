// One probe of one running container: when to ask, how often in a row counts, and what then holds.
// Knows neither pods nor how a probe is made; time, attempt and the consequences are handed in.
import type { Probe } from 'kubernetes-types/core/v1.js';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { ProbeResult } from './result.ts';

export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbeWorkerOptions {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly attempt: () => Promise<ProbeResult>;
  readonly clock: Clock;
  /** Clock time (`now()`) at which the container started. */
  readonly startedAt: number;
  /** The settled result changed, or a threshold was passed again after a failure. */
  readonly onSettled: (healthy: boolean, last: ProbeResult) => void;
  /** An attempt failed or could not be made; for events. */
  readonly onTrouble: (result: ProbeResult) => void;
}

/** First wait before a process that does not listen yet is asked again, in milliseconds; doubles each time. */
const QUICK_RETRY_MS = 100;

/**
 * Asks at once when the initial delay has passed, then every period. A result holds when it came `failureThreshold` or
 * `successThreshold` times in a row. (Upstream: pkg/kubelet/prober/worker.go;
 * its random first wait after a restart of the kubelet is left out, because here containers start anew with it.)
 *
 * One thing is added: a container that has just started and refuses connections is asked again quickly, without
 * counting, until its first period is over. So a process that needs 80 ms to listen is not ready after a whole period.
 */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  readonly #periodMs: number;
  #cancel: Cancel = () => {};
  #stopped = false;
  #last: 'success' | 'failure' | undefined;
  #run = 0;
  #settled: boolean | undefined;
  #quickMs = QUICK_RETRY_MS;

  constructor(options: ProbeWorkerOptions) {
    this.#options = options;
    this.#periodMs = (options.probe.periodSeconds ?? 10) * 1000;
  }

  /** What holds now; `undefined` before any threshold was reached. */
  get settled(): boolean | undefined {
    return this.#settled;
  }

  start(): void {
    const { kind, probe, clock, startedAt } = this.#options;
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000;
    // Upstream's ticks are at any phase to the container's start. For liveness the latest is taken: an early question
    // gains nothing, and with a threshold of 1 it would kill a process that is still starting.
    const first = kind === 'liveness' ? Math.max(delayMs, this.#periodMs) : delayMs;
    const due = startedAt + first;
    this.#cancel = clock.after(Math.max(0, due - clock.now()), () => void this.#ask());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #ask(): Promise<void> {
    const { clock } = this.#options;
    const asked = clock.now();
    const result = await this.#options.attempt();
    if (this.#stopped) return;
    const quick = this.#quickRetry(result);
    if (quick !== undefined) {
      this.#cancel = clock.after(quick, () => void this.#ask());
      return;
    }
    this.#count(result);
    // Settling may have stopped us: a failed liveness probe ends its container, a passed startup probe its own work.
    if (this.#stopped) return;
    this.#cancel = clock.after(Math.max(0, asked + this.#periodMs - clock.now()), () => void this.#ask());
  }

  #quickRetry(result: ProbeResult): number | undefined {
    const { kind, clock, startedAt, probe } = this.#options;
    if (kind === 'liveness' || result.refused !== true || this.#settled === true || this.#run > 0) return undefined;
    const delay = this.#quickMs;
    const firstPeriodEnds = startedAt + (probe.initialDelaySeconds ?? 0) * 1000 + this.#periodMs;
    if (clock.now() + delay > firstPeriodEnds) return undefined;
    this.#quickMs *= 2;
    return delay;
  }

  #count(result: ProbeResult): void {
    const { probe, onSettled, onTrouble } = this.#options;
    if (result.outcome !== 'success') onTrouble(result);
    if (result.outcome === 'unknown') return;
    this.#run = this.#last === result.outcome ? this.#run + 1 : 1;
    this.#last = result.outcome;
    const healthy = result.outcome === 'success';
    const threshold = healthy ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (this.#run < threshold || this.#settled === healthy) return;
    this.#settled = healthy;
    onSettled(healthy, result);
  }
}
