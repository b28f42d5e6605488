// What has been started, so that it can be stopped: the last first, each within its time.
// Knows no part; parts hand in how they are stopped.
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { messageOf } from '../failure.ts';

interface Part {
  readonly name: string;
  readonly stop: () => void | Promise<void>;
  readonly withinMs: number;
}

/** Unless it says otherwise, a part that does not stop in time is left behind: the process ends anyway. */
const PART_MS = 3_500;

export class Shutdown {
  readonly #parts: Part[] = [];
  readonly #log: Logger;
  readonly #clock: Clock;
  #running: Promise<void> | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  get begun(): boolean {
    return this.#running !== undefined;
  }

  /** Call it right after a part has started. One that comes up while all goes down is stopped at once. */
  add(name: string, stop: () => void | Promise<void>, withinMs = PART_MS): void {
    const part = { name, stop, withinMs };
    if (this.#running === undefined) this.#parts.push(part);
    else this.#running = Promise.all([this.#running, this.#stop(part)]).then(() => {});
  }

  /** Stops everything in reverse order; a second call waits for the first. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#stopAll();
    return this.#running;
  }

  async #stopAll(): Promise<void> {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) await this.#stop(part);
  }

  async #stop({ name, stop, withinMs }: Part): Promise<void> {
    const began = this.#clock.now();
    try {
      await this.#within(Promise.resolve().then(stop), withinMs);
      this.#log.info({ part: name, ms: Math.round(this.#clock.now() - began) }, 'Stopped');
    } catch (error) {
      this.#log.error({ part: name, error: messageOf(error) }, 'Cannot stop cleanly');
    }
  }

  async #within(work: Promise<void>, ms: number): Promise<void> {
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(ms, () => reject(new Error(`Not stopped after ${ms} ms`)));
    });
    try {
      await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }
}
