// Durations as the Gateway API writes them (GEP-2257): `1h30m`, `500ms`.
// Pure text.

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const WHOLE = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;

/** Milliseconds; undefined for what is no duration. */
export function durationMs(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]{1,5})(ms|h|m|s)/g))
    sum += Number(digits) * (UNITS[unit ?? ''] ?? 0);
  return sum;
}
