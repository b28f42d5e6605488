// A duration as Go writes it (`1h30m`, `-1.5s`), which is how `@every` says how often.
// Knows nothing of schedules. Upstream source of the grammar and the messages: Go's time.ParseDuration.

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** What fits into 63 bits of nanoseconds: 292 years. */
const longest = 2 ** 63 / 1e6;

/** Milliseconds, or why the text is no duration. */
export function parseGoDuration(text: string): number | string {
  const quoted = JSON.stringify(text);
  const wrong = `time: invalid duration ${quoted}`;
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0;
  if (unsigned === '') return wrong;
  let rest = unsigned;
  let total = 0;
  while (rest !== '') {
    const [number = ''] = /^\d*\.?\d*/.exec(rest) ?? [];
    if (!/\d/.test(number)) return wrong;
    rest = rest.slice(number.length);
    const [unit = ''] = /^[^.\d]+/.exec(rest) ?? [];
    if (unit === '') return `time: missing unit in duration ${quoted}`;
    const scale = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (scale === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    total += Number(number) * scale;
    rest = rest.slice(unit.length);
  }
  if (total >= longest) return wrong;
  return text.startsWith('-') ? -total : total;
}
