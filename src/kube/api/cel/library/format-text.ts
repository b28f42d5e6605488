// `'%s has %d'.format([name, count])`: text with places for values.
// Knows the verbs of cel-go's ext/formatting.go.
import {
  CelError,
  Duration,
  Fields,
  isList,
  keysOf,
  type List,
  lookup,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from '../values.ts';
import { formatDouble, formatDuration, formatTimestamp } from './convert.ts';

export function formatText(text: string, values: List): string {
  let next = 0;
  return text.replace(
    /%(?:%|(?:\.(\d+))?([a-zA-Z])|.?)/gs,
    (whole, precision: string | undefined, verb: string | undefined) => {
      if (whole === '%%') return '%';
      if (verb === undefined)
        throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${whole.slice(1)}"`);
      const value = values[next];
      if (value === undefined) throw new CelError(`index ${next} out of range`);
      next++;
      return formatValue(value, verb, precision === undefined ? undefined : Number(precision));
    },
  );
}

function formatValue(value: Value, verb: string, precision: number | undefined): string {
  const wrong = (what: string): never => {
    throw new CelError(`error during formatting: ${what}`);
  };
  const whole = value instanceof Uint ? value.value : value;
  switch (verb) {
    case 's':
      return textOf(value);
    case 'd':
      if (typeof whole === 'bigint') return String(whole);
      if (typeof whole === 'number') return formatDouble(whole);
      return wrong('decimal clause can only be used on integers');
    case 'f':
      if (typeof whole === 'bigint' || typeof whole === 'number')
        return Number(whole).toFixed(Math.min(precision ?? 6, 100));
      return wrong('fixed-point clause can only be used on doubles');
    case 'e':
      if (typeof whole === 'bigint' || typeof whole === 'number') {
        return Number(whole)
          .toExponential(Math.min(precision ?? 6, 100))
          .replace(/e([+-])(\d)$/, 'e$10$2');
      }
      return wrong('scientific clause can only be used on doubles');
    case 'b':
      if (typeof whole === 'boolean') return whole ? '1' : '0';
      if (typeof whole === 'bigint') return whole.toString(2);
      return wrong('only integers and bools can be formatted as binary');
    case 'o':
      if (typeof whole === 'bigint') return whole.toString(8);
      return wrong('octal clause can only be used on integers');
    case 'x':
    case 'X': {
      const hex = hexOf(whole);
      if (hex === undefined) return wrong('only integers, byte buffers, and strings can be formatted as hex');
      return verb === 'x' ? hex : hex.toUpperCase();
    }
    default:
      return wrong(`unrecognized formatting clause "${verb}"`);
  }
}

function hexOf(value: Value): string | undefined {
  if (typeof value === 'bigint') return value.toString(16);
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined;
}

function textOf(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return formatDouble(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (isList(value)) return `[${value.map(textOf).join(', ')}]`;
  if (value instanceof Fields || value instanceof Map) {
    const keys = [...(keysOf(value) ?? [])].sort((a, b) => (String(a) < String(b) ? -1 : 1));
    return `{${keys.map((key) => `${textOf(key)}: ${textOf(lookup(value, key) ?? null)}`).join(', ')}}`;
  }
  throw new CelError(
    'error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  );
}
