// The formats of text and numbers that upstream checks in custom resources; any other name is no rule.
// Knows one value at a time. Upstream source: kube-openapi/pkg/validation/strfmt, apiextensions formats.go.
import { familyOf } from '#lib/ip.ts';

type Check = (text: string) => boolean;

const isIPv4: Check = (text) => !text.includes('/') && familyOf(text) === 'IPv4';
const isIPv6: Check = (text) => !text.includes('/') && familyOf(text) === 'IPv6';

const hex = (...lengths: readonly number[]): RegExp =>
  new RegExp(`^${lengths.map((length) => `[0-9a-fA-F]{${length}}`).join('-?')}$`);
const uuid = (version: string): RegExp =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$`, 'i');

const DURATION = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;
const LONG_DURATION =
  /^\d+\s*(ns|nano|us|µs|micro|ms|milli|s|sec|second|m|min|minute|h|hr|hour|d|day|w|wk|week)s?(\s*\d+\s*[a-zµ]+)*$/i;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const HOST_LABEL = /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/;

const texts: Readonly<Record<string, Check>> = {
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.replace(/[\r\n]/g, '').length % 4 === 0,
  bsonobjectid: (text) => hex(24).test(text),
  cidr: (text) => {
    const [address = '', bits = '', ...more] = text.split('/');
    const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
    return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
  },
  creditcard: (text) => /^[\d -]{12,23}$/.test(text),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isDay(text),
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: (text) => text === '0' || DURATION.test(text) || LONG_DURATION.test(text),
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  hexcolor: (text) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  hostname: (text) => text.length <= 255 && text.split('.').every((label) => HOST_LABEL.test(label)),
  ipv4: isIPv4,
  ipv6: isIPv6,
  isbn: (text) => /^(97[89][- ]?)?\d{1,5}([- ]?\d+){2}[- ]?[\dX]$/.test(text),
  isbn10: (text) => /^(\d[- ]?){9}[\dX]$/.test(text),
  isbn13: (text) => /^(\d[- ]?){12}\d$/.test(text),
  'k8s-long-name': (text) => text.length <= 253 && SUBDOMAIN.test(text),
  'k8s-short-name': (text) => text.length <= 63 && LABEL.test(text),
  mac: (text) =>
    /^([0-9a-fA-F]{2}[:-]){5,7}[0-9a-fA-F]{2}$/.test(text) || /^([0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4}$/.test(text),
  rgbcolor: (text) => /^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/.test(text),
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  uri: (text) => URL.canParse(text) || text.startsWith('/'),
  uuid: (text) => hex(8, 4, 4, 4, 12).test(text),
  uuid3: (text) => hex(8, 4, 4, 4, 12).test(text) && /^.{8}-?.{4}-?3/.test(text),
  uuid4: (text) => uuid('4').test(text),
  uuid5: (text) => uuid('5').test(text),
};

/** True for any format that is not known, and for values of a type that the format does not speak about. */
export function isOfFormat(format: string, value: unknown): boolean {
  if (typeof value === 'number') return numberFits(format, value);
  if (typeof value !== 'string' || !Object.hasOwn(texts, format)) return true;
  return texts[format]?.(value) ?? true;
}

function numberFits(format: string, value: number): boolean {
  if (format === 'int32') return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
  if (format === 'int64') return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
  if (format === 'float') return Math.abs(value) <= 3.4028234663852886e38;
  return true;
}

function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const TIME = /^\d{4}-\d{2}-\d{2}[Tt]([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)([.,]\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$/;

function isDateTime(text: string): boolean {
  return TIME.test(text) && isDay(text.slice(0, 10));
}
