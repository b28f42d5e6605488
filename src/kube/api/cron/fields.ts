// One field of a schedule (`*/15`, `mon-fri`, `1,2-4/2`) as the set of values that it names.
// Knows nothing of time. Upstream source of the grammar and the messages: github.com/robfig/cron v3, parser.go.

export interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Names of the values, from `min` on. */
  readonly names?: readonly string[];
}

export interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`: with both day fields, the other one alone decides. */
  readonly any: boolean;
}

export const minutes: Bounds = { min: 0, max: 59 };
export const hours: Bounds = { min: 0, max: 23 };
export const daysOfMonth: Bounds = { min: 1, max: 31 };
export const months: Bounds = {
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
export const daysOfWeek: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] };

/** The field, or why it is none. */
export function parseField(text: string, bounds: Bounds): Field | string {
  const values = new Set<number>();
  let any = false;
  // Commas without anything between them name nothing, as upstream.
  for (const part of text.split(',').filter((each) => each !== '')) {
    const range = parseRange(part, bounds);
    if (typeof range === 'string') return range;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
    any ||= range.any;
  }
  return { values, any };
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly any: boolean;
}

function parseRange(text: string, bounds: Bounds): Range | string {
  const [span = '', stepText, ...moreSteps] = text.split('/');
  const [first = '', last, ...moreEnds] = span.split('-');
  const all = first === '*' || first === '?';
  const from = all ? bounds.min : parseValue(first, bounds);
  if (typeof from === 'string') return from;
  if (!all && moreEnds.length > 0) return `too many hyphens: ${text}`;
  let to: number | string = all ? bounds.max : from;
  if (!all && last !== undefined) to = parseValue(last, bounds);
  if (typeof to === 'string') return to;
  if (moreSteps.length > 0) return `too many slashes: ${text}`;
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (typeof step === 'string') return step;
  // `5/10` means from 5 to the end.
  if (stepText !== undefined && last === undefined) to = bounds.max;
  if (from < bounds.min) return `beginning of range (${from}) below minimum (${bounds.min}): ${text}`;
  if (to > bounds.max) return `end of range (${to}) above maximum (${bounds.max}): ${text}`;
  if (from > to) return `beginning of range (${from}) beyond end of range (${to}): ${text}`;
  if (step === 0) return `step of range should be a positive number: ${text}`;
  return { from, to, step, any: all && step === 1 };
}

function parseValue(text: string, { min, names = [] }: Bounds): number | string {
  const named = names.indexOf(text.toLowerCase());
  return named < 0 ? parseNumber(text) : min + named;
}

function parseNumber(text: string): number | string {
  const failed = (why: string): string =>
    `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`;
  if (!/^[+-]?\d+$/.test(text)) return failed('invalid syntax');
  const value = Number(text);
  if (Math.abs(value) >= 2 ** 63) return failed('value out of range');
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
