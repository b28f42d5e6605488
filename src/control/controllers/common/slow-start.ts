// Runs many equal calls in batches that double: 1, 2, 4, ... and stops at the first batch with a failure.
// When every call must fail (a quota, a bad template) this costs the server one call, not hundreds.

/** Resolves with the number of calls that succeeded, and the first error if a batch had one. Never rejects. */
export async function slowStart(
  count: number,
  call: (index: number) => Promise<void>,
): Promise<{ succeeded: number; error?: unknown }> {
  let succeeded = 0;
  let done = 0;
  for (let batch = 1; done < count; batch *= 2) {
    const size = Math.min(batch, count - done);
    const base = done;
    const outcomes = await Promise.allSettled(Array.from({ length: size }, (_, index) => call(base + index)));
    done += size;
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    succeeded += size - failed.length;
    const first = failed[0];
    if (first !== undefined) return { succeeded, error: first.reason };
  }
  return { succeeded };
}
