// The values of the configuration file: times, sizes, ports, addresses, names.
// Knows no field; each says what it expects, and what one could write.
import { isIP } from 'node:net';
import { compileRegex } from '#lib/linear-regex.ts';
import { canonicalPath } from '#traffic/model/canonical-path.ts';
import { normalisePath } from '#traffic/proxy/http1/target.ts';
import { leaf, type Parsed, type Schema } from './kit.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `250ms`, `10s`, `1m30s`; milliseconds. 0 switches off what it times. */
export const duration: Schema<number> = leaf<number>('a duration', '250ms, 10s, 1m30s or 0', (value) => {
  if (value === 0 || value === '0') return { value: 0 };
  if (typeof value === 'number') return { error: 'it has no unit', remedy: `Write ${value}s or ${value}ms` };
  return parseDuration(value);
});

/** Of text with units; undefined for everything else. */
export function parseDuration(value: unknown): Parsed<number> | undefined {
  if (typeof value !== 'string' || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return undefined;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
  if (total > MAX_DURATION) return { error: 'that is longer than a timer can run', remedy: 'Write at most 24h' };
  return { value: Math.round(total) };
}
const MAX_DURATION = 86_400_000;

/** In whole seconds, where the model counts these. */
export const seconds: Schema<number> = leaf<number>('a duration of whole seconds', '30s, 1h or 0', (value) => {
  if (value === 0 || value === '0') return { value: 0 };
  const match = typeof value === 'string' ? /^(\d+)(s|m|h|d)$/.exec(value) : null;
  if (match === null) return undefined;
  return { value: Number(match[1]) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[match[2] ?? ''] ?? 1) };
});

const SIZES: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes. */
export const bytes: Schema<number> = leaf<number>('a size', '65536, 64KiB or 10MiB', (value) => {
  const match = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)?$/.exec(String(value));
  if (match === null || (typeof value !== 'string' && typeof value !== 'number')) return undefined;
  const total = Math.round(Number(match[1]) * (SIZES[match[2] ?? ''] ?? 1));
  return total > 0 && Number.isSafeInteger(total) ? { value: total } : undefined;
});

export function integer(min: number, max: number): Schema<number> {
  const example = String(Math.max(min, Math.min(max, 10)));
  return leaf<number>(`a whole number from ${min} to ${max}`, `e.g. ${example}`, (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? { value } : undefined,
  );
}

export function number(min: number, max: number): Schema<number> {
  return leaf<number>(`a number from ${min} to ${max}`, `e.g. ${Math.max(min, 1)}`, (value) =>
    typeof value === 'number' && value >= min && value <= max ? { value } : undefined,
  );
}

export const percent: Schema<number> = number(0, 100);
export const port: Schema<number> = leaf<number>('a port from 0 to 65535', 'e.g. 8080; 0 takes a free one', (value) =>
  isPort(value, 0) ? { value } : undefined,
);
export const endpointPort: Schema<number> = leaf<number>('a port from 1 to 65535', 'e.g. 8080', (value) =>
  isPort(value, 1) ? { value } : undefined,
);

export function isPort(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 65_535;
}

export const flag: Schema<boolean> = leaf<boolean>('true or false', 'true or false', (value) =>
  typeof value === 'boolean' ? { value } : undefined,
);

export const text: Schema<string> = leaf<string>('text', 'it in quotes', (value) =>
  typeof value === 'string' ? { value } : undefined,
);

/** A name of something in this file, or of a header's parameter: not empty. */
export const name: Schema<string> = leaf<string>('a name', 'a name', (value) =>
  typeof value === 'string' && value !== '' ? { value } : undefined,
);

/** `''` stands for every address. */
export const bindAddress: Schema<string> = leaf<string>('an IP address', '127.0.0.1, 0.0.0.0 or ::', (value) => {
  if (value === '') return { value };
  return addressOf(value);
});

export const ipAddress: Schema<string> = leaf<string>('an IP address', 'e.g. 10.0.0.7', addressOf);

/** A name is refused with the reason: what it stands for may change, and the engine would not know. */
export function addressOf(value: unknown): { value: string } | { error: string; remedy: string } | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (isIP(value) !== 0) return { value };
  if (value === 'localhost') return { error: 'only IP addresses are taken', remedy: 'Write 127.0.0.1 or ::1' };
  if (!/^[a-zA-Z0-9._-]+$/.test(value) || /^[\d.]+$/.test(value)) return undefined;
  return {
    error: 'only IP addresses are taken, names are not resolved',
    remedy: `Write its address: "getent hosts ${value}" shows it`,
  };
}

export const cidr: Schema<string> = leaf<string>('an address or a range (CIDR)', 'e.g. 10.0.0.0/8', (value) =>
  typeof value === 'string' && isCidr(value) ? { value } : undefined,
);

export function isCidr(text: string): boolean {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const family = isIP(match?.[1] ?? '');
  return family !== 0 && Number(match?.[2] ?? 0) <= (family === 4 ? 32 : 128);
}

const LABEL = '[a-z0-9]([a-z0-9_-]*[a-z0-9])?';
const HOSTNAME = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`);

/** Exact, `*.suffix`, or `*`; in lower case, without a trailing dot. */
export const hostPattern: Schema<string> = leaf<string>(
  'a hostname',
  'e.g. shop.example.com, "*.example.com" or "*"',
  (value) => {
    if (typeof value !== 'string') return undefined;
    const host = value.toLowerCase().replace(/\.$/, '');
    if (/[^\x20-\x7e]/.test(host)) return { error: 'it has letters beyond ASCII', remedy: 'Write its xn-- form' };
    if (/:\d+$/.test(host) && isIP(host) === 0) {
      return {
        error: 'a hostname has no port',
        remedy: `Write ${host.replace(/:\d+$/, '')}; the port is the listener's`,
      };
    }
    if (isIP(host) === 6) return { value: `[${host}]` };
    return host === '*' || HOSTNAME.test(host) ? { value: host } : undefined;
  },
);

export const headerName: Schema<string> = leaf<string>('the name of a header', 'e.g. x-request-id', (value) =>
  typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? { value } : undefined,
);

export const headerValue: Schema<string> = leaf<string>(
  'the value of a header',
  'text on one line, in quotes',
  (value) => {
    if (typeof value === 'number' || typeof value === 'boolean') return { value: String(value) };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not stand there.
    return typeof value === 'string' && !/[\x00-\x08\x0a-\x1f\x7f]/.test(value) ? { value } : undefined;
  },
);

export const method: Schema<string> = leaf<string>('an HTTP method', 'e.g. GET', (value) => {
  if (typeof value !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(value)) return undefined;
  if (value === value.toUpperCase()) return { value };
  return { error: 'methods are case-sensitive', remedy: `Write ${value.toUpperCase()}` };
});

export const regex: Schema<string> = leaf<string>(
  'a regular expression',
  "one in quotes, e.g. '/v[0-9]+/.*'",
  (value) => {
    if (typeof value !== 'string') return undefined;
    const compiled = compileRegex(value);
    return 'error' in compiled ? { error: compiled.error, remedy: 'Write it in the syntax of RE2' } : { value };
  },
);

/** Of a route. Requests are brought to one form first, and never have what no such path has. */
export const routePath: Schema<string> = leaf<string>('a path', 'one that begins with a slash, e.g. /api', (value) => {
  if (typeof value !== 'string' || !/^\/[^\s?#]*$/.test(value)) return undefined;
  const normal = normalisePath(canonicalPath(value));
  if (typeof normal !== 'string') return { error: 'no request has such a path', remedy: 'Remove the route' };
  if (normal === canonicalPath(value)) return { value: normal };
  return { error: 'requests never have empty, "." or ".." segments', remedy: `Write ${normal}` };
});

export const absolutePath: Schema<string> = leaf<string>(
  'a path',
  'one that begins with a slash, e.g. /api',
  (value) => (typeof value === 'string' && /^\/[^\s?#]*$/.test(value) ? { value } : undefined),
);

/** Of the CORS protocol: scheme and host, and a port where it is not the scheme's own. */
export const origin: Schema<string> = leaf<string>(
  'an origin',
  'e.g. https://shop.example.com, "https://*.example.com" or "*"',
  (value) => {
    if (typeof value !== 'string') return undefined;
    if (/^https?:\/\/[^/]+\/.*$/.test(value))
      return { error: 'an origin has no path', remedy: `Write ${value.split('/').slice(0, 3).join('/')}` };
    return value === '*' || /^https?:\/\/[a-z0-9*._[\]:-]+$/i.test(value) ? { value } : undefined;
  },
);
