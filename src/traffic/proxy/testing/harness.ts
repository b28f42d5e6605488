// Starts engines and backends for a test and takes them down after it.
// Knows nothing of what a test asserts.

import { silentLogger } from '#lib/log.ts';
import { type Engine, type EngineOptions, startEngine } from '../engine.ts';
import type { Backend } from './peers.ts';

/** Everything one test file started; call `close` after each test. */
export class Harness {
  readonly #cleanups: (() => Promise<void>)[] = [];

  async engine(options: Partial<EngineOptions> = {}): Promise<Engine> {
    const started = await startEngine({ workers: 1, log: silentLogger, ...options });
    this.#cleanups.push(() => started.close());
    return started;
  }

  async backend<B extends Pick<Backend, 'close'>>(promise: Promise<B>): Promise<B> {
    const started = await promise;
    this.#cleanups.push(() => started.close());
    return started;
  }

  /** Runs `cleanup` after the test, before what was started earlier is taken down. */
  after(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
  }
}

/** The port a listener is bound to; throws when it is not. */
export function portOf(engine: Engine, name = 'http'): number {
  const bound = engine.address(name);
  if (bound === undefined) throw new Error(`Listener "${name}" is not bound`);
  return bound.port;
}
