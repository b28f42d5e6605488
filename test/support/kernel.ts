// What a test asks of the kernel and of the rights it runs with.
// Knows how to skip so that nobody overlooks it.

/** `obstacle`: why it cannot run here, or undefined. Continuous integration has everything, so there it is a failure. */
export function kernelAllows(obstacle: string | undefined, wanted: string): boolean {
  if (obstacle === undefined) return true;
  if (process.env.EVENKEEL_REQUIRE_KERNEL === '1') throw new Error(`Cannot test ${wanted}: ${obstacle}`);
  process.stderr.write(`Left out, because ${obstacle}: ${wanted}\n`);
  return false;
}
