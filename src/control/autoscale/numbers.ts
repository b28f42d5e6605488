// The bounds of upstream's integers: what would overflow there, or wrap, is capped here.
// Knows numbers only. Amounts are exact thousandths (bigint); replicas are plain numbers.

/** Most replicas that the API can hold. */
export const MAX_INT32 = 2_147_483_647;
/** Largest amount in thousandths that upstream can hold. */
export const MAX_INT64 = 9_223_372_036_854_775_807n;

/** Rounded up and capped; what is no number gives 0. */
export function replicasOf(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.max(-MAX_INT32, Math.min(MAX_INT32, Math.ceil(value)));
}

/** Sum of amounts, capped at what upstream can hold. */
export function sumOf(amounts: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) {
    sum += amount;
    if (sum > MAX_INT64) return MAX_INT64;
  }
  return sum;
}

/** Usage as a multiple of its target. */
export function ratioOf(usage: bigint, target: bigint): number {
  return Number(usage) / Number(target);
}

/** `ceil(amount / count)`; with nothing to share it among, the whole amount. */
export function shareOf(amount: bigint, count: number): bigint {
  if (count <= 0 || amount >= MAX_INT64) return amount;
  const by = BigInt(count);
  return (amount + by - 1n) / by;
}
