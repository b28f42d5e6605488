// The queue between news and work: each key once, never two workers on one key, failures tried again with back-off.
// Knows nothing of objects; a key is a string, the work a function.
import { backoffDelay } from '#lib/backoff.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';

/** What a reconcile may ask for: to be run again after a while although nothing failed. */
export interface Requeue {
  readonly requeueAfterMs: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile that asks for nothing simply ends without a return.
export type Reconcile = (key: string) => Promise<void | Requeue>;

export interface WorkQueueHooks {
  /** A key waited so many milliseconds before a worker took it. */
  waited?(queue: string, ms: number): void;
  /** A reconcile took so many milliseconds. */
  worked?(queue: string, ms: number, failed: boolean): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Keys worked on at the same time; default 1. */
  readonly workers?: number;
  readonly hooks?: WorkQueueHooks;
}

export interface WorkQueue {
  readonly name: string;
  /** Keys that wait for a worker, not counting those with a delay. */
  readonly length: number;
  /** Asks for a run soon. A key that is being worked on runs once more afterwards. */
  add(key: string): void;
  /** Asks for a run after `ms`. Of several delays for one key the shortest counts. */
  addAfter(key: string, ms: number): void;
  start(): void;
  /** Takes no more keys, forgets the waiting ones, and resolves when the running ones are done. */
  stop(): Promise<void>;
}

/** What queues without hooks of their own tell, for the whole process. (Upstream: client-go's metrics provider.) */
let processHooks: WorkQueueHooks | undefined;
const live = new Set<WorkQueue>();

/** From now on `hooks` hear of every queue of this process that brings none itself; undefined ends that. */
export function observeQueues(hooks: WorkQueueHooks | undefined): void {
  processHooks = hooks;
}

/** The queues of this process that have been made and not stopped. */
export function liveQueues(): Iterable<WorkQueue> {
  return live;
}

/** client-go's default per-item limits: 5 ms doubling to 1000 s. */
const BACKOFF = { baseMs: 5, capMs: 1_000_000 };

/**
 * Fair (keys run in the order they came), stingy (a key added many times before it runs, runs once), safe (a key is
 * never worked on twice at the same time). Keys may be added before `start`.
 */
export function createWorkQueue(name: string, reconcile: Reconcile, options: WorkQueueOptions): WorkQueue {
  return new Queue(name, reconcile, options);
}

interface Delayed {
  readonly due: number;
  readonly cancel: Cancel;
}

class Queue implements WorkQueue {
  readonly name: string;
  readonly #reconcile: Reconcile;
  readonly #options: WorkQueueOptions;
  /** Waiting keys in order, with the time they came. */
  readonly #dirty = new Map<string, number>();
  readonly #processing = new Set<string>();
  /** Keys that changed while they were worked on, with the time they came. */
  readonly #again = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, Delayed>();
  #state: 'waiting' | 'running' | 'stopped' = 'waiting';
  #idle: (() => void) | undefined;

  constructor(name: string, reconcile: Reconcile, options: WorkQueueOptions) {
    this.name = name;
    this.#reconcile = reconcile;
    this.#options = options;
    live.add(this);
  }

  get length(): number {
    return this.#dirty.size;
  }

  add(key: string): void {
    if (this.#state === 'stopped') return;
    const since = this.#options.clock.now();
    if (this.#processing.has(key)) {
      if (!this.#again.has(key)) this.#again.set(key, since);
      return;
    }
    if (!this.#dirty.has(key)) this.#dirty.set(key, since);
    this.#pump();
  }

  addAfter(key: string, ms: number): void {
    if (this.#state === 'stopped') return;
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const due = this.#options.clock.now() + ms;
    const existing = this.#delayed.get(key);
    if (existing !== undefined) {
      if (existing.due <= due) return;
      existing.cancel();
    }
    const cancel = this.#options.clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { due, cancel });
  }

  start(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'running';
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    live.delete(this);
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#dirty.clear();
    this.#again.clear();
    if (this.#processing.size === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#idle;
      this.#idle = () => {
        before?.();
        resolve();
      };
    });
  }

  #pump(): void {
    if (this.#state !== 'running') return;
    const workers = this.#options.workers ?? 1;
    for (const [key, since] of this.#dirty) {
      if (this.#processing.size >= workers) return;
      this.#dirty.delete(key);
      this.#processing.add(key);
      void this.#work(key, since);
    }
  }

  async #work(key: string, since: number): Promise<void> {
    const { clock, log, hooks = processHooks } = this.#options;
    const began = clock.now();
    hooks?.waited?.(this.name, began - since);
    let failed = false;
    let requeue: Requeue | undefined;
    try {
      requeue = (await this.#reconcile(key)) ?? undefined;
    } catch (error) {
      failed = true;
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      requeue = { requeueAfterMs: backoffDelay(failures, BACKOFF) };
      // A conflict or two is how optimistic writers meet; only what stays broken is news.
      const level = failures > 3 ? 'warn' : 'debug';
      log[level]({ queue: this.name, key, failures, error: (error as Error).message }, 'Reconcile failed');
    }
    if (!failed) this.#failures.delete(key);
    hooks?.worked?.(this.name, clock.now() - began, failed);
    this.#processing.delete(key);
    const changedSince = this.#again.get(key);
    this.#again.delete(key);
    if (this.#state === 'stopped') {
      if (this.#processing.size === 0) this.#idle?.();
      return;
    }
    // News that came meanwhile is worth an immediate try, even after a failure: it may be what cures it.
    if (changedSince !== undefined) this.#dirty.set(key, changedSince);
    if (requeue !== undefined) this.addAfter(key, requeue.requeueAfterMs);
    this.#pump();
  }
}
