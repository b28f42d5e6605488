// Test runner settings: unit tests beside their source, behaviour tests in test/<feature>/.
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tools/longest-first.ts';
import { ToldRetries } from './tools/told-retries.ts';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'test/**/*.test.ts',
      'tools/**/*.test.ts',
      'bench/**/*.test.ts',
      'examples/**/*.test.ts',
    ],
    setupFiles: ['tools/same-cases.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // A shared machine stalls now and then; what passes only at the second try is told by name at the end.
    retry: process.env.CI === undefined ? 0 : 1,
    reporters: ['default', new ToldRetries()],
  },
});
