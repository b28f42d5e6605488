// The probes of one running container together: startup gates the others, and their results make `started` and `ready`.
// Knows neither the pod worker nor the API; it tells what changed through callbacks.
import type { Container, Probe } from 'kubernetes-types/core/v1.js';
import type { Clock } from '#lib/clock.ts';
import type { ProbeSubject } from './probe-runner.ts';
import { runProbe } from './probe-runner.ts';
import { type ProbeKind, ProbeWorker } from './probe-worker.ts';
import type { ProbeResult } from './result.ts';

export interface ContainerProbesOptions {
  readonly subject: ProbeSubject;
  readonly clock: Clock;
  readonly startedAt: number;
  /** `started` or `ready` may have changed. */
  readonly onChange: () => void;
  /** A liveness or startup probe failed for good: the container must be restarted. */
  readonly onUnhealthy: (kind: 'liveness' | 'startup', probe: Probe) => void;
  readonly onTrouble: (kind: ProbeKind, result: ProbeResult) => void;
}

export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  readonly #container: Container;
  readonly #workers = new Map<ProbeKind, ProbeWorker>();
  #started: boolean;
  #ready: boolean;

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    this.#container = options.subject.container;
    this.#started = this.#container.startupProbe === undefined;
    this.#ready = this.#started && this.#container.readinessProbe === undefined;
  }

  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.#ready;
  }

  start(): void {
    const { startupProbe } = this.#container;
    if (startupProbe !== undefined) this.#add('startup', startupProbe);
    else this.#startOthers();
  }

  /** The pod is going: liveness no longer matters, readiness still tells balancers when to stop. */
  terminating(): void {
    for (const kind of ['startup', 'liveness'] as const) {
      this.#workers.get(kind)?.stop();
      this.#workers.delete(kind);
    }
  }

  /** Takes it out of service for the rest of this run, e.g. before its restart. */
  unready(): void {
    this.#workers.get('readiness')?.stop();
    this.#workers.delete('readiness');
    this.#ready = false;
  }

  stop(): void {
    for (const worker of this.#workers.values()) worker.stop();
    this.#workers.clear();
    this.#ready = false;
  }

  #startOthers(): void {
    const { livenessProbe, readinessProbe } = this.#container;
    if (readinessProbe !== undefined) this.#add('readiness', readinessProbe);
    if (livenessProbe !== undefined) this.#add('liveness', livenessProbe);
  }

  #add(kind: ProbeKind, probe: Probe): void {
    const { subject, clock, startedAt, onTrouble } = this.#options;
    const worker = new ProbeWorker({
      kind,
      probe,
      clock,
      startedAt,
      attempt: () => runProbe(probe, subject, clock),
      onTrouble: (result) => onTrouble(kind, result),
      onSettled: (healthy) => this.#settle(kind, probe, healthy),
    });
    this.#workers.set(kind, worker);
    worker.start();
  }

  #settle(kind: ProbeKind, probe: Probe, healthy: boolean): void {
    if (kind === 'readiness') {
      this.#ready = healthy;
      this.#options.onChange();
      return;
    }
    if (!healthy) {
      // On hold until the container is restarted; its next start gets new workers.
      this.#workers.get(kind)?.stop();
      this.#options.onUnhealthy(kind, probe);
      return;
    }
    if (kind === 'startup') {
      this.#workers.get('startup')?.stop();
      this.#workers.delete('startup');
      this.#started = true;
      this.#ready = this.#container.readinessProbe === undefined;
      this.#startOthers();
      this.#options.onChange();
    }
  }
}
