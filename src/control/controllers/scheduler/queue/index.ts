// Pods that wait for a node: those whose turn it is, those that back off, and those that only a change can help.
// Knows keys and priorities; what is done with a pod is handed in. Upstream: backend/queue.
import type { WorkQueue } from '#kube/client/work-queue.ts';
import { backoffDelay } from '#lib/backoff.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { ClusterChange } from '../filters/filter.ts';
import { PriorityHeap } from './priority-heap.ts';

/** A pod that did not fit is tried again this long after, doubling, however often the cluster changes. */
const BACKOFF = { baseMs: 1_000, capMs: 10_000 };
/** Every pod that waits is looked at again after this long, in case a change was not recognised as one that helps. */
const FLUSH_MS = 5 * 60_000;
/** Bindings and status writes under way at the same time; decisions are made one after another all the same. */
const MAX_WRITES = 16;

interface Tried {
  priority: number;
  tries: number;
  /** Monotonic time before which it is not tried again. */
  notBefore: number;
  /** Waits for one of these changes; undefined while it does not wait for any. */
  helps?: ReadonlySet<ClusterChange>;
  timer?: Cancel;
}

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Decides at once, before anything is awaited, and says what became of it through `park`, `retry` or `forget`. */
  readonly schedule: (key: string) => Promise<void>;
}

export class SchedulingQueue implements WorkQueue {
  readonly name = 'scheduler';
  readonly #options: SchedulingQueueOptions;
  readonly #active = new PriorityHeap();
  readonly #tried = new Map<string, Tried>();
  readonly #running = new Map<string, Promise<void>>();
  /** Keys whose turn came while they were worked on. */
  readonly #again = new Set<string>();
  #state: 'waiting' | 'running' | 'stopped' = 'waiting';

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#active.size;
  }

  /** A pod that is new, or that was changed: it is its turn as soon as its back-off is over. */
  add(key: string, priority = 0): void {
    if (this.#state === 'stopped') return;
    const tried = this.#tried.get(key) ?? { priority, tries: 0, notBefore: 0 };
    tried.priority = priority;
    this.#tried.set(key, tried);
    this.#wake(key, tried);
  }

  addAfter(key: string, ms: number): void {
    this.#options.clock.after(ms, () => this.add(key));
  }

  /** It fits nowhere until one of these changes happens. */
  park(key: string, helps: ReadonlySet<ClusterChange>): void {
    const tried = this.#failed(key);
    tried.helps = helps;
    tried.timer = this.#options.clock.after(FLUSH_MS, () => this.#wake(key, tried));
  }

  /** Something went wrong that time may cure. */
  retry(key: string): void {
    this.#wake(key, this.#failed(key));
  }

  /** It has a node, or is no longer ours to place. */
  forget(key: string): void {
    this.#tried.get(key)?.timer?.();
    this.#tried.delete(key);
    this.#active.delete(key);
    this.#again.delete(key);
  }

  changed(change: ClusterChange): void {
    for (const [key, tried] of this.#tried) if (tried.helps?.has(change) === true) this.#wake(key, tried);
  }

  start(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'running';
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    for (const { timer } of this.#tried.values()) timer?.();
    this.#tried.clear();
    await Promise.all(this.#running.values());
  }

  #failed(key: string): Tried {
    const tried = this.#tried.get(key) ?? { priority: 0, tries: 0, notBefore: 0 };
    tried.timer?.();
    tried.tries += 1;
    tried.notBefore = this.#options.clock.now() + backoffDelay(tried.tries, BACKOFF);
    if (this.#state !== 'stopped') this.#tried.set(key, tried);
    return tried;
  }

  /** Into the back-off, or straight to the active ones. */
  #wake(key: string, tried: Tried): void {
    tried.timer?.();
    delete tried.timer;
    delete tried.helps;
    if (this.#state === 'stopped') return;
    const wait = tried.notBefore - this.#options.clock.now();
    if (wait > 0) {
      tried.timer = this.#options.clock.after(wait, () => this.#wake(key, tried));
      return;
    }
    if (this.#running.has(key)) this.#again.add(key);
    else this.#active.push(key, tried.priority);
    this.#pump();
  }

  #pump(): void {
    while (this.#state === 'running' && this.#running.size < MAX_WRITES) {
      const key = this.#active.pop();
      if (key === undefined) return;
      // Known as running before it begins: news that it causes itself must find it so.
      const done = Promise.withResolvers<void>();
      this.#running.set(key, done.promise);
      void this.#work(key).then(done.resolve);
    }
  }

  async #work(key: string): Promise<void> {
    const { log, schedule } = this.#options;
    try {
      await schedule(key);
    } catch (error) {
      log.warn({ key, error: (error as Error).message }, 'A pod could not be scheduled; it is tried again');
      this.retry(key);
    }
    this.#running.delete(key);
    const tried = this.#tried.get(key);
    if (this.#again.delete(key) && tried !== undefined) this.#active.push(key, tried.priority);
    this.#pump();
  }
}
