// Which statuses of an answer count as healthy.
// Knows nothing of requests.

/** Only 200, unless the check names others: single statuses, or ranges as `200-299`. */
export function isExpected(status: number, expected: readonly string[] | undefined): boolean {
  if (expected === undefined || expected.length === 0) return status === 200;
  return expected.some((entry) => {
    const [from, to = from] = entry.split('-').map(Number);
    return from !== undefined && to !== undefined && status >= from && status <= to;
  });
}
