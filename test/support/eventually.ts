// Waits for something to become true, and says what it saw last when it does not.
// Knows no cluster.

const PATIENCE_MS = 30_000;
const POLL_MS = 25;

/** Calls `attempt` until it returns without throwing; then resolves with what it returned. */
export async function eventually<T>(what: string, attempt: () => T | Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) {
        const last = error instanceof Error ? error.message : String(error);
        throw new Error(`Not within ${patienceMs} ms: ${what}. Last: ${last}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
