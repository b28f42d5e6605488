// The size of a terminal that an engine holds: told anew until the terminal is there to take it.
// Knows the engine's call; who has the terminal is the caller's matter.
import type { TerminalSize } from '../runtime.ts';
import type { EngineApi } from './engine-api.ts';

/** How often, and after how long each time, a terminal that is still being made is asked. */
const ATTEMPTS = 25;
const STEP_MS = 40;

export class Resizer {
  readonly #api: EngineApi;
  readonly #path: string;
  #wanted: TerminalSize | undefined;
  #busy = false;
  #stopped = false;

  /** `path` is that of the container or the command. */
  constructor(api: EngineApi, path: string) {
    this.#api = api;
    this.#path = path;
  }

  resize(size: TerminalSize): void {
    this.#wanted = size;
    if (!this.#busy) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    for (let tries = 0; this.#wanted !== undefined && !this.#stopped && tries < ATTEMPTS; tries += 1) {
      const size = this.#wanted;
      const path = `${this.#path}/resize?h=${size.rows}&w=${size.columns}`;
      const done = await this.#api.json('POST', path).then(
        () => true,
        () => false,
      );
      if (done && this.#wanted === size) this.#wanted = undefined;
      if (!done) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    this.#wanted = undefined;
    this.#busy = false;
  }
}
