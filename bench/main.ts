// Entry of the benchmarks: `npm run bench -- <name>`.
// Knows the names of the benchmarks, nothing of what they measure.

import { benchHttp1 } from './http1/http1.ts';

const benchmarks = new Map<string, (args: readonly string[]) => Promise<void>>([['http1', benchHttp1]]);

const [name = '', ...args] = process.argv.slice(2);
const benchmark = benchmarks.get(name);
if (benchmark === undefined) {
  console.error(`Unknown benchmark "${name}": choose one of ${[...benchmarks.keys()].join(', ')}`);
  process.exitCode = 2;
} else {
  await benchmark(args);
}
