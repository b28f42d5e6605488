// Test runner settings: unit tests beside their source, behaviour tests in test/<feature>/.
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tools/longest-first.ts';
import { SlowestFiles } from './tools/slowest-files.ts';
import { ToldRetries } from './tools/told-retries.ts';

/**
 * Files that share a process, one after the other: each would take longer to start than to run. What starts programs
 * or workers, enters namespaces or looks at the memory of its process has one of its own.
 */
const SHARED = [
  'src/lib/**/*.test.ts',
  'src/telemetry/**/*.test.ts',
  'src/control/**/*.test.ts',
  'src/kube/{api,apiserver,client,store,streaming}/**/*.test.ts',
  'src/traffic/{balancer,dns,model,snapshot}/**/*.test.ts',
  'tools/**/*.test.ts',
  'bench/**/*.test.ts',
];

export default defineConfig({
  test: {
    setupFiles: ['tools/same-cases.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is waited for comes in milliseconds; a busy machine takes seconds.
    expect: { poll: { timeout: 10_000 } },
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // A shared machine stalls now and then; what passes only at the second try is told by name at the end.
    retry: process.env.CI === undefined ? 0 : 1,
    reporters: ['default', new ToldRetries(), new SlowestFiles()],
    projects: [
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...SHARED],
        },
      },
    ],
  },
});
