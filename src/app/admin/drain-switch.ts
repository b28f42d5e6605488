// The gateway's drain as something to switch on once: not ready from that moment, and nothing new is taken.
// Knows the engine only as something that can drain.
import type { Logger } from '#lib/log.ts';
import { messageOf } from '../failure.ts';

export class DrainSwitch {
  /** Somebody has asked. */
  on = false;
  readonly #engine: { drain(ms: number): Promise<void> };
  readonly #timeoutMs: number;
  readonly #log: Logger;

  /** What is under way has `timeoutMs` to finish; the process goes on, and answers on its admin address. */
  constructor(engine: { drain(ms: number): Promise<void> }, timeoutMs: number, log: Logger) {
    this.#engine = engine;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  begin(): void {
    if (this.on) return;
    this.on = true;
    this.#log.info({}, 'Draining: asked by the admin server');
    this.#engine.drain(this.#timeoutMs).then(
      () => this.#log.info({}, 'Drained'),
      (error: unknown) => this.#log.error({ error: messageOf(error) }, 'Draining failed'),
    );
  }
}
