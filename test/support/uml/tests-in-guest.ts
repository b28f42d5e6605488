// Test files that are run in a guest, for what the machine's own kernel may lack.
// Knows the test runner; what the files test is theirs.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { kernelAllows } from '../kernel.ts';
import { repository } from '../run.ts';
import { type GuestOptions, mustRunInGuest } from './guest.ts';
import { guestObstacle } from './obstacle.ts';

export interface GuestTests extends GuestOptions {
  /** Programs that the tests need, beyond what boots a guest. */
  readonly tools?: readonly string[];
}

const INSIDE = 'EVENKEEL_GUEST';
const PATIENCE_MS = 600_000;

/**
 * One test that runs `files` (from the root of the repository) in a guest: all of their tests have to pass there, and
 * none may be left out for want of something.
 */
export function testsInGuest(name: string, files: readonly string[], options: GuestTests = {}): void {
  const { tools = [], ...guest } = options;
  const env = { ...guest.env, [INSIDE]: '1', EVENKEEL_REQUIRE_KERNEL: '1', NO_COLOR: '1' };
  const timeoutMs = guest.timeoutMs ?? PATIENCE_MS;
  test.runIf(kernelAllows(guestObstacle(...tools), name))(
    `${name}, in a guest kernel`,
    { timeout: timeoutMs + 30_000 },
    async () => {
      // One worker: the guest has one processor.
      await mustRunInGuest(['vitest', 'run', '--maxWorkers=1', '--testTimeout=120000', ...files], {
        ...guest,
        timeoutMs,
        env,
      });
    },
  );
}

/** The tests of the calling file (`import.meta.url`), which are all in `define`, run in a guest. */
export function inGuest(file: string, name: string, options: GuestTests, define: () => void): void {
  if (process.env[INSIDE] === '1') describe(name, define);
  else testsInGuest(name, [relative(repository, fileURLToPath(file))], options);
}
