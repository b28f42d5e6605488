// Work that is asked for more often than it can be done: one run at a time, and one more for whatever came meanwhile.
// Knows nothing of the work.

/**
 * A function that asks for `run`. While one is under way any number of requests make one more run after it. A run that
 * rejects ends the row, and `onError` is told; the next request begins anew.
 */
export function rerun(run: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let asked = false;
  let running = false;
  const work = async (): Promise<void> => {
    running = true;
    try {
      while (asked) {
        asked = false;
        await run();
      }
    } catch (error) {
      onError(error);
    } finally {
      running = false;
    }
  };
  return () => {
    asked = true;
    if (!running) void work();
  };
}
