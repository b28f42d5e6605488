// One worker thread as the engine holds it: starts it, passes messages, starts it again after a crash.
// Knows nothing of what the worker does with them.

import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { backoffDelay } from '#lib/backoff.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricSource } from '#telemetry/exposition.ts';
import { HISTOGRAM_CELLS } from '#telemetry/metric-writer.ts';
import type { Exemplar, Series } from '#telemetry/series.ts';
import type { EncodedSpans } from '#telemetry/traces/span-batch.ts';
import type { Explanation, Question } from '../explain/explanation.ts';
import type { Arrived } from '../explain/find-listener.ts';
import type { LongRun } from '../health/attempt-recorder.ts';
import type { Description } from './description.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';

/** Memory for the counts of one worker: virtual until a cell is used. */
export const METRIC_BYTES = 2 * 1024 * 1024;
/** Megabytes for what a worker makes and drops with each request. */
const YOUNG_GENERATION_MB = 32;
/** How long a worker may take to end by itself. */
const STOP_WITHIN = 500;
/** How long a count may wait for a busy worker. */
const SYNC_WITHIN = 1000;
/** The first crash costs no wait: a port may be without anyone to listen. A worker that keeps crashing waits longer and longer. */
const RESTART = { baseMs: 100, capMs: 5000 };
const LIVED_ON = 10_000;

export interface WorkerEvents {
  readonly log: Logger;
  onApplied(): void;
  onListening(name: string, address: string, port: number): void;
  onListenError(name: string, error: Error): void;
  /** An endpoint has failed too often in a row. */
  onLongRun(run: LongRun): void;
  /** Requests have begun to wait for a cluster. */
  onHeld(cluster: string): void;
  onSpans(spans: EncodedSpans): void;
  /** The thread ended by itself: what it had under way is gone, `source` is what it had counted. */
  onCrash(source: MetricSource): void;
  /** It is time to start another one. */
  onRestart(): void;
}

export class WorkerHandle {
  /** Version of the last update in force; -1 before the first. */
  appliedVersion = -1;
  readonly #settings: Omit<WorkerSettings, 'metrics'>;
  readonly #events: WorkerEvents;
  #worker: Worker | undefined;
  #memory = new SharedArrayBuffer(0);
  #series: Series[] = [];
  #exemplars = new Map<number, Exemplar>();
  #stopping = false;
  #crashes = 0;
  #onDrained: (() => void)[] = [];
  #syncing: ((descriptions: readonly Description[]) => void)[] = [];
  readonly #explaining = new Map<number, (explanation: Explanation | undefined) => void>();
  #asked = 0;
  /** Resolves when the running thread has ended. */
  #exited: Promise<void> = Promise.resolve();

  constructor(settings: Omit<WorkerSettings, 'metrics'>, events: WorkerEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  start(): void {
    const begun = performance.now();
    this.#memory = new SharedArrayBuffer(METRIC_BYTES);
    this.#series = [];
    this.#exemplars = new Map();
    const workerData: WorkerSettings = { ...this.#settings, metrics: this.#memory };
    // The process may be started with a small young generation (`--max-semi-space-size`), to keep the control plane
    // slim. As a flag it would outrank the worker's own figure; what runs already has read it and keeps it.
    setFlagsFromString('--max-semi-space-size=0');
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData,
      name: `proxy-${workerData.index}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#events.log.error({ worker: workerData.index, error: text }, 'Proxy worker failed and is started again');
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        resolve();
        this.appliedVersion = -1;
        for (const done of this.#onDrained.splice(0)) done();
        for (const done of this.#syncing.splice(0)) done([]);
        for (const answer of this.#explaining.values()) answer(undefined);
        if (this.#stopping) return;
        const source = { ...this.source(), ended: true };
        // Whoever was told of it counts it from now on.
        this.#memory = new SharedArrayBuffer(0);
        this.#series = [];
        this.#events.onCrash(source);
        this.#crashes = performance.now() - begun > LIVED_ON ? 1 : this.#crashes + 1;
        setTimeout(
          () => {
            if (!this.#stopping) this.#events.onRestart();
          },
          this.#crashes === 1 ? 0 : backoffDelay(this.#crashes - 1, RESTART),
        );
      });
    });
  }

  send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  source(): MetricSource {
    return { memory: this.#memory, series: this.#series, ended: false, exemplars: this.#exemplars };
  }

  /** Resolves when the worker has nothing under way any more, or after `ms`. */
  drain(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onDrained.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.send({ type: 'drain' });
    });
  }

  /**
   * Resolves once every series the worker has counted on is known here, with what its policies know of their targets
   * when that is asked for; a worker that is down holds nobody up.
   */
  sync(describe = false): Promise<readonly Description[]> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve([]), SYNC_WITHIN);
      this.#syncing.push((descriptions) => {
        clearTimeout(timer);
        resolve(descriptions);
      });
      this.send({ type: 'sync', describe });
    });
  }

  /** What would become of a request now; undefined from a worker that is down, or too busy to say. */
  explain(question: Question, arrival: Arrived): Promise<Explanation | undefined> {
    const id = this.#asked++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => answer(undefined), SYNC_WITHIN);
      const answer = (explanation: Explanation | undefined): void => {
        clearTimeout(timer);
        this.#explaining.delete(id);
        resolve(explanation);
      };
      this.#explaining.set(id, answer);
      this.send({ type: 'explain', id, question, arrival });
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.send({ type: 'stop' });
    const timer = setTimeout(() => void this.#worker?.terminate(), STOP_WITHIN);
    await this.#exited;
    clearTimeout(timer);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'series':
        if (message.series.ended === true) {
          const { metric, cell } = message.series;
          for (let bucket = 0; bucket < HISTOGRAM_CELLS; bucket++) this.#exemplars.delete(cell + bucket);
          this.#series = this.#series.filter((one) => one.cell !== cell || one.metric !== metric);
        } else this.#series.push(message.series);
        break;
      case 'applied':
        this.appliedVersion = message.version;
        this.#events.onApplied();
        break;
      case 'listening':
        this.#events.onListening(message.name, message.address, message.port);
        break;
      case 'listen_error':
        this.#events.onListenError(message.name, Object.assign(new Error(message.message), { code: message.code }));
        break;
      case 'log':
        this.#events.log[message.level](message.fields, message.text);
        break;
      case 'explained':
        this.#explaining.get(message.id)?.(message.explanation);
        break;
      case 'spans':
        this.#events.onSpans(message.spans);
        this.send({ type: 'spans_taken' });
        break;
      case 'synced':
        for (const [cell, exemplar] of message.exemplars) this.#exemplars.set(cell, exemplar);
        this.#syncing.shift()?.(message.descriptions);
        break;
      case 'long_run':
        this.#events.onLongRun(message);
        break;
      case 'held':
        this.#events.onHeld(message.cluster);
        break;
      case 'drained':
        for (const done of this.#onDrained.splice(0)) done();
        break;
    }
  }
}
