// A benchmark that is nothing but the same work for several proxies: starts them, loads them in turn, prints.
// Knows neither the work nor the proxies.

import { type Arena, inArena } from './arena.ts';
import type { Benchmark } from './benchmark.ts';
import { type Comparison, compare, printComparison } from './compare.ts';
import type { Running, Setup } from './contestants/contestant.ts';
import { type Entry, type ProxyName, startAll } from './contestants/index.ts';
import type { LoadResult } from './load/result.ts';
import type { Options, Usage } from './options.ts';
import { printJson, speaker } from './report.ts';

export interface Work {
  readonly title: string;
  /** What is counted: request, connection, handshake. */
  readonly unit: string;
  readonly proxies: readonly ProxyName[];
  readonly setup: Setup;
  load(contestant: Running, seconds: number): Promise<LoadResult>;
  /** Why a contestant cannot take part, e.g. because it does not speak the protocol; undefined when it can. */
  hindrance?(contestant: Running): Promise<string | undefined>;
}

/** `works` starts the backends and says what is to be done, one work after the other. */
export function comparison(
  usage: Usage,
  works: (arena: Arena, options: Options) => Promise<readonly Work[]>,
): Benchmark {
  return {
    usage,
    run: (options, args) =>
      inArena(async (arena) => {
        const say = speaker(options.json);
        const results: Comparison[] = [];
        for (const work of await works(arena, options)) {
          const entries: Entry[] = work.proxies.map((proxy) => ({ proxy, setup: work.setup }));
          const started = await startAll(arena, entries, options.only, say);
          const able: Running[] = [];
          for (const contestant of started) {
            const reason = await work.hindrance?.(contestant);
            if (reason === undefined) able.push(contestant);
            else say(`${contestant.name} is left out of "${work.title}": ${reason}`);
          }
          const { title, unit, load } = work;
          const { rounds, seconds } = options;
          const result = await compare({ title, unit, contestants: able, rounds, seconds, load, say });
          results.push(result);
          if (!options.json) printComparison(result);
          for (const { child } of started) await arena.stop(child);
        }
        if (options.json) printJson(usage.name, args, results);
      }),
  };
}
