// Kubernetes' own values in CEL: quantities, URLs, semantic versions.
// Knows how they are written. Source: k8s.io/apiserver/pkg/cel/library/{quantity,urls,semverlib}.go.
import { parseQuantity, Quantity } from '../../quantity.ts';
import { readsFirst, traversesFirst } from '../costs.ts';
import { define, type Overload } from '../signature.ts';
import { CelError, Opaque, type Value } from '../values.ts';

class QuantityValue extends Opaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly amount: Quantity;
  constructor(amount: Quantity) {
    super();
    this.amount = amount;
  }
  equals(other: Value): boolean {
    return other instanceof QuantityValue && this.amount.compare(other.amount) === 0;
  }
}

const NANO = 1_000_000_000n;

function readQuantity(text: string): QuantityValue {
  try {
    return new QuantityValue(parseQuantity(text));
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error));
  }
}

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

const whole = (units: bigint): Quantity => new Quantity(units * NANO);

const quantities: Overload[] = [
  ...define('quantity(string) -> kubernetes.Quantity', readQuantity, readsFirst),
  ...define('isQuantity(string) -> bool', isQuantity, readsFirst),
  ...define('kubernetes.Quantity.sign() -> int', ({ amount: { nanos } }: QuantityValue) =>
    nanos > 0n ? 1n : nanos < 0n ? -1n : 0n,
  ),
  ...define('kubernetes.Quantity.isInteger() -> bool', ({ amount: { nanos } }: QuantityValue) => nanos % NANO === 0n),
  ...define('kubernetes.Quantity.asInteger() -> int', ({ amount: { nanos } }: QuantityValue) => {
    if (nanos % NANO !== 0n) throw new CelError('cannot convert value to integer');
    return nanos / NANO;
  }),
  ...define('kubernetes.Quantity.asApproximateFloat() -> double', ({ amount }: QuantityValue) => amount.toNumber()),
  ...define(
    'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity) -> bool',
    (a: QuantityValue, b: QuantityValue) => a.amount.compare(b.amount) > 0,
  ),
  ...define(
    'kubernetes.Quantity.isLessThan(kubernetes.Quantity) -> bool',
    (a: QuantityValue, b: QuantityValue) => a.amount.compare(b.amount) < 0,
  ),
  ...define('kubernetes.Quantity.compareTo(kubernetes.Quantity) -> int', (a: QuantityValue, b: QuantityValue) =>
    BigInt(a.amount.compare(b.amount)),
  ),
  ...define(
    'kubernetes.Quantity.add(kubernetes.Quantity) -> kubernetes.Quantity',
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.amount.add(b.amount)),
  ),
  ...define(
    'kubernetes.Quantity.add(int) -> kubernetes.Quantity',
    (a: QuantityValue, b: bigint) => new QuantityValue(a.amount.add(whole(b))),
  ),
  ...define(
    'kubernetes.Quantity.sub(kubernetes.Quantity) -> kubernetes.Quantity',
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.amount.subtract(b.amount)),
  ),
  ...define(
    'kubernetes.Quantity.sub(int) -> kubernetes.Quantity',
    (a: QuantityValue, b: bigint) => new QuantityValue(a.amount.subtract(whole(b))),
  ),
];

class UrlValue extends Opaque {
  readonly typeName = 'kubernetes.URL';
  readonly parts: UrlParts;
  constructor(parts: UrlParts) {
    super();
    this.parts = parts;
  }
  equals(other: Value): boolean {
    return other instanceof UrlValue && JSON.stringify(other.parts) === JSON.stringify(this.parts);
  }
}

interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** As Go's ParseRequestURI takes them: absolute, or a path from the root. */
function readUrl(text: string): UrlParts | undefined {
  if ([...text].some((letter) => letter <= ' ' || letter === '\x7f')) return undefined;
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^/?#@]*@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(text);
  if (match !== null) {
    const [, scheme = '', host = '', path = '', query = ''] = match;
    if (/:(?!\d*$)/.test(host.replace(/^\[[^\]]*\]/, '')) || /%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
    return { scheme: scheme.toLowerCase(), host, path, query };
  }
  const local = /^(\/[^?#]*)(?:\?([^#]*))?/.exec(text);
  if (local === null || /%(?![0-9a-fA-F]{2})/.test(local[1] ?? '')) return undefined;
  return { scheme: '', host: '', path: local[1] ?? '', query: local[2] ?? '' };
}

function portOf(host: string): string {
  return /:(\d*)$/.exec(host.replace(/^\[[^\]]*\]/, ''))?.[1] ?? '';
}

const urls: Overload[] = [
  ...define('isURL(string) -> bool', (text: string) => readUrl(text) !== undefined, readsFirst),
  ...define(
    'url(string) -> kubernetes.URL',
    (text: string) => {
      const parts = readUrl(text);
      if (parts === undefined)
        throw new CelError(
          `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
        );
      return new UrlValue(parts);
    },
    traversesFirst,
  ),
  ...define('kubernetes.URL.getScheme() -> string', ({ parts }: UrlValue) => parts.scheme),
  ...define('kubernetes.URL.getHost() -> string', ({ parts }: UrlValue) => parts.host),
  ...define('kubernetes.URL.getHostname() -> string', ({ parts }: UrlValue) =>
    parts.host.startsWith('[') ? parts.host.slice(1, parts.host.indexOf(']')) : parts.host.replace(/:\d*$/, ''),
  ),
  ...define('kubernetes.URL.getPort() -> string', ({ parts }: UrlValue) => portOf(parts.host)),
  ...define('kubernetes.URL.getEscapedPath() -> string', ({ parts }: UrlValue) => encodeURI(safelyDecoded(parts.path))),
  ...define('kubernetes.URL.getQuery() -> map(string,list(string))', ({ parts }: UrlValue) => {
    const query = new Map<string, string[]>();
    for (const [key, value] of new URLSearchParams(parts.query)) query.set(key, [...(query.get(key) ?? []), value]);
    return query;
  }),
];

function safelyDecoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

class SemverValue extends Opaque {
  readonly typeName = 'kubernetes.Semver';
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];
  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    super();
    this.numbers = numbers;
    this.pre = pre;
  }
  equals(other: Value): boolean {
    return other instanceof SemverValue && compareVersions(this, other) === 0;
  }
}

const NUMBER = '(0|[1-9]\\d*)';
const SEMVER = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\\+[0-9A-Za-z.-]+)?$`);

/** `normalize`: as people write them, `v1.2` for `1.2.0`. */
function readVersion(text: string, normalize: boolean): SemverValue | undefined {
  const [base = '', ...rest] = (normalize ? text.replace(/^v/, '') : text).split(/(?=[-+])/);
  const parts = base.split('.');
  const padded = normalize ? [...parts, ...Array(Math.max(0, 3 - parts.length)).fill('0')] : parts;
  const numbers = normalize ? padded.map((part) => part.replace(/^0+(?=\d)/, '')) : padded;
  const match = SEMVER.exec(numbers.join('.') + rest.join(''));
  if (match === null) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre] = match;
  return new SemverValue([BigInt(major), BigInt(minor), BigInt(patch)], pre === undefined ? [] : pre.split('.'));
}

function needVersion(text: string, normalize = false): SemverValue {
  const version = readVersion(text, normalize);
  if (version === undefined) throw new CelError(`No Major.Minor.Patch elements found`);
  return version;
}

function compareVersions(a: SemverValue, b: SemverValue): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const [mine, theirs] = [a.pre[index], b.pre[index]];
    if (mine === undefined || theirs === undefined) return mine === undefined ? -1 : 1;
    if (mine === theirs) continue;
    const numeric = [mine, theirs].map((part) => /^\d+$/.test(part));
    if (numeric[0] !== numeric[1]) return numeric[0] === true ? -1 : 1;
    return numeric[0] === true ? Math.sign(Number(mine) - Number(theirs)) : mine < theirs ? -1 : 1;
  }
  return 0;
}

const versions: Overload[] = [
  ...define('isSemver(string) -> bool', (text: string) => readVersion(text, false) !== undefined, readsFirst),
  ...define(
    'isSemver(string,bool) -> bool',
    (text: string, normalize: boolean) => readVersion(text, normalize) !== undefined,
    readsFirst,
  ),
  ...define('semver(string) -> kubernetes.Semver', (text: string) => needVersion(text), readsFirst),
  ...define('semver(string,bool) -> kubernetes.Semver', needVersion, readsFirst),
  ...['major', 'minor', 'patch'].flatMap((part, index) =>
    define(`kubernetes.Semver.${part}() -> int`, ({ numbers }: SemverValue) => numbers[index] ?? 0n),
  ),
  ...define(
    'kubernetes.Semver.isGreaterThan(kubernetes.Semver) -> bool',
    (a: SemverValue, b: SemverValue) => compareVersions(a, b) > 0,
  ),
  ...define(
    'kubernetes.Semver.isLessThan(kubernetes.Semver) -> bool',
    (a: SemverValue, b: SemverValue) => compareVersions(a, b) < 0,
  ),
  ...define('kubernetes.Semver.compareTo(kubernetes.Semver) -> int', (a: SemverValue, b: SemverValue) =>
    BigInt(compareVersions(a, b)),
  ),
];

export const kubernetesLibrary: readonly Overload[] = [...quantities, ...urls, ...versions];
