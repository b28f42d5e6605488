// What a setting of a BackendPolicy may be, and how it is read from the text of an annotation.
// Knows no setting by name: tables of them are beside this file.

/** Where a setting stands in `spec`, what it may be, and what people are told of it. */
export interface SettingField {
  /** Below `spec`: `circuitBreaker.maxRequests`. */
  readonly path: string;
  /** Behind `evenkeel.dev/`. */
  readonly annotation: string;
  readonly is: SettingType;
  /** The group is worth nothing without it. */
  readonly required?: true;
  /** Filled in by the API server where the group is there. */
  readonly default?: string | number | boolean;
  /** What holds without it, where no default says so. */
  readonly otherwise?: string;
  readonly about: string;
}

export type SettingType =
  | { readonly type: 'word'; readonly words: readonly string[] }
  | { readonly type: 'whole'; readonly min: number; readonly max: number; readonly unit?: string }
  /** One of a few numbers. */
  | { readonly type: 'choice'; readonly numbers: readonly number[] }
  | { readonly type: 'number'; readonly min: number; readonly max: number; readonly unit?: string }
  /** Milliseconds; `0s` switches off where `min` is 0. */
  | { readonly type: 'duration'; readonly min: number; readonly max: number }
  | { readonly type: 'flag' }
  | { readonly type: 'text'; readonly pattern: string; readonly maxLength: number; readonly example: string }
  | { readonly type: 'list'; readonly of: SettingType; readonly most: number }
  | { readonly type: 'labels' };

export type Read = { readonly value: unknown } | { readonly error: string };

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const word = (...words: string[]): SettingType => ({ type: 'word', words });
export const whole = (min: number, max: number, unit?: string): SettingType => ({
  type: 'whole',
  min,
  max,
  ...(unit === undefined ? {} : { unit }),
});
export const number = (min: number, max: number): SettingType => ({ type: 'number', min, max });
export const duration = (min: number, max: number): SettingType => ({ type: 'duration', min, max });
export const percent = whole(0, 100, '%');
export const flag: SettingType = { type: 'flag' };
export const token: SettingType = {
  type: 'text',
  pattern: "^[A-Za-z0-9!#$%&'*+.^_|~-]+$",
  maxLength: 256,
  example: 'x-user',
};

/** As the Gateway API writes them (GEP-2257). */
export const DURATION = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';
const UNITS: Readonly<Record<string, number>> = { h: HOUR, m: 60_000, s: 1_000, ms: 1 };

/** Milliseconds of a text that matches `DURATION`. */
export function millisecondsOf(text: string): number {
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]{1,5})(ms|h|m|s)/g))
    sum += Number(digits) * (UNITS[unit ?? ''] ?? 0);
  return sum;
}

/** `24h`, `90s`, `250ms`: the largest unit that is whole. */
export function durationText(milliseconds: number): string {
  const [unit, size] = Object.entries(UNITS).find(([, size]) => milliseconds % size === 0 && milliseconds >= size) ?? [
    's',
    1_000,
  ];
  return `${milliseconds / size}${unit}`;
}

/** The value that stands in `spec` for the text of an annotation. */
export function readText(is: SettingType, given: string): Read {
  const text = given.trim();
  switch (is.type) {
    case 'flag':
      return text === 'true' || text === 'false'
        ? { value: text === 'true' }
        : { error: 'is neither "true" nor "false"' };
    case 'whole':
    case 'choice':
    case 'number':
      return /^-?[0-9]+(\.[0-9]+)?$/.test(text)
        ? checkValue(is, Number(text))
        : { error: `is no number: ${expected(is)}` };
    case 'list':
      return listOf(is, text);
    case 'labels':
      return labelsOf(text);
    default:
      return checkValue(is, text);
  }
}

/** Whether a value of `spec` is what it may be; the API server says so too, where it knows the definition. */
export function checkValue(is: SettingType, value: unknown): Read {
  return isValid(is, value) ? { value } : { error: `is wrong: ${expected(is)}` };
}

function isValid(is: SettingType, value: unknown): boolean {
  switch (is.type) {
    case 'word':
      return is.words.includes(value as string);
    case 'whole':
      return Number.isInteger(value) && (value as number) >= is.min && (value as number) <= is.max;
    case 'choice':
      return is.numbers.includes(value as number);
    case 'number':
      return typeof value === 'number' && value >= is.min && value <= is.max;
    case 'duration': {
      if (typeof value !== 'string' || !new RegExp(DURATION).test(value)) return false;
      const milliseconds = millisecondsOf(value);
      return milliseconds >= is.min && milliseconds <= is.max;
    }
    case 'flag':
      return typeof value === 'boolean';
    case 'text':
      return typeof value === 'string' && value.length <= is.maxLength && new RegExp(is.pattern).test(value);
    case 'list':
      return (
        Array.isArray(value) && value.length > 0 && value.length <= is.most && value.every((one) => isValid(is.of, one))
      );
    case 'labels':
      return (
        typeof value === 'object' &&
        value !== null &&
        Object.entries(value).length > 0 &&
        Object.values(value).every((one) => typeof one === 'string')
      );
  }
}

/** What it may be, as an instruction. */
export function expected(is: SettingType): string {
  switch (is.type) {
    case 'word':
      return `use one of ${is.words.join(', ')}`;
    case 'whole':
      return `use a whole number from ${is.min} to ${is.max}`;
    case 'choice':
      return `use one of ${is.numbers.join(', ')}`;
    case 'number':
      return `use a number from ${is.min} to ${is.max}`;
    case 'duration':
      return `use a duration from ${is.min === 0 ? '0s' : durationText(is.min)} to ${durationText(is.max)}, e.g. 500ms, 30s or 1m30s`;
    case 'flag':
      return 'use true or false';
    case 'text':
      return `write e.g. ${is.example}, with at most ${is.maxLength} characters`;
    case 'list':
      return `write up to ${is.most} with commas between them; of each: ${expected(is.of)}`;
    case 'labels':
      return 'write labels with commas between them, e.g. version=v1,track=stable';
  }
}

function listOf(is: SettingType & { readonly type: 'list' }, text: string): Read {
  const values: unknown[] = [];
  for (const part of text.split(',').map((one) => one.trim())) {
    const read = readText(is.of, part);
    if ('error' in read) return { error: `has "${part}", which ${read.error}` };
    values.push(read.value);
  }
  return checkValue(is, values);
}

function labelsOf(text: string): Read {
  const pairs = text.split(',').map((part) => part.trim().split('='));
  if (pairs.some(({ length, 0: name = '' }) => length !== 2 || name === ''))
    return { error: `is wrong: ${expected({ type: 'labels' })}` };
  return { value: Object.fromEntries(pairs.map(([name = '', value = '']) => [name.trim(), value.trim()])) };
}
