// Conversions between CEL's types, and times and durations as text.
// Knows values. Source: the language definition of CEL; durations are written as Go writes them.
import { traversesFirst } from '../costs.ts';
import { define, type Overload } from '../signature.ts';
import { CelError, Duration, Timestamp, TypeValue, typeNameOf, type Uint, type Value } from '../values.ts';
import { int, uint } from './standard.ts';

const SECOND = 1_000_000_000n;

function fail(message: string): never {
  throw new CelError(message);
}

function intOfDouble(value: number): bigint {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 63) fail('integer overflow');
  return BigInt(Math.trunc(value));
}

function intOfText(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) fail(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return int(BigInt(text.replace(/^\+/, '')));
}

function doubleOfText(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN')) {
    fail(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return value;
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};

/** As Go's ParseDuration: `1h30m`, `-1.5s`, `0`. */
export function parseDuration(text: string): Duration {
  const invalid = (): never => fail(`time: invalid duration ${JSON.stringify(text)}`);
  const match = /^([+-]?)(.*)$/s.exec(text);
  const rest = match?.[2] ?? '';
  if (rest === '0') return new Duration(0n);
  let [nanos, end] = [0n, 0];
  for (const part of rest.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/gy)) {
    const [whole = '', number = '', fraction = '', unit = ''] = part;
    if (number === '' && fraction === '') invalid();
    const scale = UNITS[unit] ?? 1n;
    nanos += BigInt(number === '' ? 0 : number) * scale;
    if (fraction !== '') nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    end = part.index + whole.length;
  }
  if (rest === '' || end !== rest.length) invalid();
  return new Duration(match?.[1] === '-' ? -nanos : nanos);
}

const TIME = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339. */
export function parseTimestamp(text: string): Timestamp {
  const match = TIME.exec(text);
  const millis = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`.toUpperCase());
  if (Number.isNaN(millis)) fail(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse`);
  return new Timestamp(BigInt(millis) * 1_000_000n + BigInt((match?.[2] ?? '').padEnd(9, '0')));
}

export function formatTimestamp({ nanos }: Timestamp): string {
  const seconds = floorDiv(nanos, SECOND);
  const rest = nanos - seconds * SECOND;
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}

/** In seconds, as CEL has it. */
export function formatDuration({ nanos }: Duration): string {
  const sign = nanos < 0n ? '-' : '';
  const absolute = nanos < 0n ? -nanos : nanos;
  const fraction = (absolute % SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${absolute / SECOND}${fraction === '' ? '' : `.${fraction}`}s`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : -((-a + b - 1n) / b);
}

export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

const dateParts: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) =>
    Math.floor(
      (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) /
        86_400_000,
    ),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

function dateIn(time: Timestamp, zone: string): Date {
  const millis = Number(floorDiv(time.nanos, 1_000_000n));
  const offset = /^([+-]?)(\d{2}):(\d{2})$/.exec(zone);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(millis + (offset[1] === '-' ? -minutes : minutes) * 60_000);
  }
  try {
    const shown = new Date(millis).toLocaleString('sv-SE', { timeZone: zone });
    return new Date(Date.parse(`${shown.replace(' ', 'T')}Z`) + (((millis % 1000) + 1000) % 1000));
  } catch {
    return fail(`unknown time zone ${zone}`);
  }
}

const times: Overload[] = Object.entries(dateParts).flatMap(([name, part]) => [
  ...define(`timestamp.${name}() -> int`, (time: Timestamp) => BigInt(part(dateIn(time, 'UTC')))),
  ...define(`timestamp.${name}(string) -> int`, (time: Timestamp, zone: string) => BigInt(part(dateIn(time, zone)))),
]);

const durations: Overload[] = [
  ...define('duration.getHours() -> int', ({ nanos }: Duration) => nanos / (3600n * SECOND)),
  ...define('duration.getMinutes() -> int', ({ nanos }: Duration) => nanos / (60n * SECOND)),
  ...define('duration.getSeconds() -> int', ({ nanos }: Duration) => nanos / SECOND),
  ...define('duration.getMilliseconds() -> int', ({ nanos }: Duration) => (nanos / 1_000_000n) % 1000n),
];

export const conversionLibrary: readonly Overload[] = [
  ...define('int(int) -> int', (value: bigint) => value),
  ...define('int(uint) -> int', (value: Uint) => int(value.value)),
  ...define('int(double) -> int', intOfDouble),
  ...define('int(string) -> int', intOfText),
  ...define('int(timestamp) -> int', ({ nanos }: Timestamp) => floorDiv(nanos, SECOND)),
  ...define('uint(uint) -> uint', (value: Uint) => value),
  ...define('uint(int) -> uint', (value: bigint) => uint(value)),
  ...define('uint(double) -> uint', (value: number) => uint(intOfDouble(value))),
  ...define('uint(string) -> uint', (text: string) => uint(intOfText(text))),
  ...define('double(double) -> double', (value: number) => value),
  ...define('double(int) -> double', (value: bigint) => Number(value)),
  ...define('double(uint) -> double', (value: Uint) => Number(value.value)),
  ...define('double(string) -> double', doubleOfText),
  ...define('bool(bool) -> bool', (value: boolean) => value),
  ...define('bool(string) -> bool', (text: string) => {
    if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
    if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
    return fail(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  }),
  ...define('string(string) -> string', (text: string) => text),
  ...define('string(bool) -> string', (value: boolean) => String(value)),
  ...define('string(int) -> string', (value: bigint) => String(value)),
  ...define('string(uint) -> string', (value: Uint) => String(value.value)),
  ...define('string(double) -> string', formatDouble),
  ...define('string(bytes) -> string', (value: Uint8Array) => Buffer.from(value).toString('utf8'), traversesFirst),
  ...define('string(timestamp) -> string', formatTimestamp),
  ...define('string(duration) -> string', formatDuration),
  ...define('bytes(bytes) -> bytes', (value: Uint8Array) => value),
  ...define('bytes(string) -> bytes', (text: string) => new Uint8Array(Buffer.from(text, 'utf8')), traversesFirst),
  ...define('duration(duration) -> duration', (value: Duration) => value),
  ...define('duration(string) -> duration', parseDuration),
  ...define('timestamp(timestamp) -> timestamp', (value: Timestamp) => value),
  ...define('timestamp(string) -> timestamp', parseTimestamp),
  ...define('timestamp(int) -> timestamp', (seconds: bigint) => new Timestamp(seconds * SECOND)),
  ...define('dyn(A) -> dyn', (value: Value) => value),
  ...define('type(A) -> type', (value: Value) => new TypeValue(typeNameOf(value))),
  ...times,
  ...durations,
];
