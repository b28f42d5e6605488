// Counts in a status as an API server written in Go gives them back: without those that are zero.
// Knows no kind.

/**
 * `counts` without zeros. A status that wrote them would never equal the one that is stored, and be written again in
 * every round. Only for fields whose Go type says `omitempty`.
 */
export function withoutZeros<const T extends Readonly<Record<string, number>>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>;
}
