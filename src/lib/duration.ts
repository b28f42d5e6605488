// Durations as people write them: `20s`, `1m30s`, `500ms`, `2h`, or plain seconds.
// Pure; what a duration is for, and which are too long, is its reader's business.

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds, more than 0; undefined for what is no duration. */
export function readDuration(text: string): number | undefined {
  const plain = /^\d+(\.\d+)?$/.test(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (!plain && parts.map(([part]) => part).join('') !== text) return undefined;
  const total = plain
    ? Number(text) * 1000
    : parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
  return total > 0 ? total : undefined;
}
