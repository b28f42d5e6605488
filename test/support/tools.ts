// Programs of the machine that a test drives, when they are there.
// Knows none of them.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

/**
 * Whether `tool` can be started. Where it cannot, a line says which test is left out; in continuous integration, where
 * everything is installed, that is a failure.
 */
export function hasTool(tool: string, wanted: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
  if (found) return true;
  if (process.env.EVENKEEL_REQUIRE_KERNEL === '1') throw new Error(`No ${tool} here: install it to test ${wanted}`);
  process.stderr.write(`Left out, because ${tool} is not installed: ${wanted}\n`);
  return false;
}

/** A port of 127.0.0.1 that nobody listens on at this moment, for programs that cannot be given port 0. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
