// What a benchmark is to whoever starts it.
// Types only.

import type { Options, Usage } from './options.ts';

export interface Benchmark {
  readonly usage: Usage;
  /** `args` are the words of the command line, to print beside results. */
  run(options: Options, args: readonly string[]): Promise<void>;
}
