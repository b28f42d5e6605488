// Resource quantities: `250m`, `1.5Gi`, `2e3`, exact to a billionth, printed in Kubernetes' canonical form.
// Knows no resource and no field.

/** How a quantity was written, and so how it is printed. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

const nano = 1_000_000_000n;
/** Larger amounts are capped here on reading, as upstream does (2^63 - 1). */
const largest = (2n ** 63n - 1n) * nano;

const binaryPowers: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n };
const decimalPowers: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const decimalSuffixes = new Map(Object.entries(decimalPowers).map(([suffix, power]) => [power, suffix]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Far more digits than any amount has; reading them takes time that grows with their square. */
const longestText = 256;

/** Exponents outside this range only ever give zero, the cap, or the smallest amount; it bounds the arithmetic. */
const exponentLimit = 64;

const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const numericWrong = 'unable to parse numeric part of quantity';
const suffixWrong = "unable to parse quantity's suffix";

/** An exact amount; immutable. */
export class Quantity {
  /** Billionths of a unit. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat = 'DecimalSI') {
    this.nanos = nanos;
    this.format = format;
  }

  /** Whole units, rounded away from zero: half a byte needs a byte. */
  value(): number {
    return Number(roundedUp(this.nanos, nano));
  }

  /** Thousandths, rounded away from zero: the unit of CPU arithmetic. */
  milli(): number {
    return Number(roundedUp(this.nanos, 1_000_000n));
  }

  /** The amount as a floating point number; exact only as far as those are. */
  toNumber(): number {
    return Number(this.nanos / nano) + Number(this.nanos % nano) / 1e9;
  }

  /** Negative, zero or positive as this is less than, equal to or more than `other`. */
  compare(other: Quantity): number {
    if (this.nanos === other.nanos) return 0;
    return this.nanos < other.nanos ? -1 : 1;
  }

  add(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.nanos === 0n ? other.format : this.format);
  }

  subtract(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.nanos === 0n ? other.format : this.format);
  }

  /** Canonical text: no fraction, the largest suffix that keeps it exact. */
  toString(): string {
    return formatQuantity(this);
  }
}

/** Reads a quantity; throws an Error with upstream's text when it is none. Finer than a billionth is rounded away from zero. */
export function parseQuantity(text: string): Quantity {
  const parts = text.length > longestText ? null : /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
  if (text === '' || parts === null) throw new Error(formatWrong);
  const [, sign = '', whole = '', fraction = '', suffix = ''] = parts;
  const { format, power, factor } = readSuffix(suffix);
  if (whole === '' && fraction === '') throw new Error(numericWrong);
  const digits = BigInt(`${whole}${fraction}`);
  const scale = power - fraction.length + 9;
  const magnitude =
    scale >= 0 ? digits * factor * 10n ** BigInt(scale) : roundedUp(digits * factor, 10n ** BigInt(-scale));
  const capped = magnitude > largest ? largest : magnitude;
  return new Quantity(sign === '-' ? -capped : capped, format);
}

function readSuffix(suffix: string): { format: QuantityFormat; power: number; factor: bigint } {
  const power = Object.hasOwn(decimalPowers, suffix) ? decimalPowers[suffix] : undefined;
  if (power !== undefined) return { format: 'DecimalSI', power, factor: 1n };
  const binary = Object.hasOwn(binaryPowers, suffix) ? binaryPowers[suffix] : undefined;
  if (binary !== undefined) return { format: 'BinarySI', power: 0, factor: 1024n ** binary };
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined) throw new Error(suffixWrong);
  const bounded = Math.max(-exponentLimit, Math.min(exponentLimit, Number(exponent)));
  return { format: 'DecimalExponent', power: bounded, factor: 1n };
}

/** Division that rounds away from zero. */
function roundedUp(amount: bigint, unit: bigint): bigint {
  const whole = amount / unit;
  if (amount % unit === 0n) return whole;
  return amount < 0n ? whole - 1n : whole + 1n;
}

export function formatQuantity(quantity: Quantity): string {
  const { nanos, format } = quantity;
  if (nanos === 0n) return '0';
  const small = nanos < 1024n * nano && nanos > -1024n * nano;
  // Below 1Ki, or with a fraction, the binary form could not be exact.
  if (format === 'BinarySI' && !small && nanos % nano === 0n) return formatBinary(nanos / nano);
  return formatDecimal(nanos, format === 'DecimalExponent');
}

function formatBinary(units: bigint): string {
  let rest = units;
  let power = 0;
  while (power < binarySuffixes.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n;
    power += 1;
  }
  return `${rest}${binarySuffixes[power] ?? ''}`;
}

function formatDecimal(nanos: bigint, exponentForm: boolean): string {
  let rest = nanos;
  let power = -9;
  while (power < 18 && rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  if (!exponentForm) return `${rest}${decimalSuffixes.get(power) ?? ''}`;
  return power === 0 ? `${rest}` : `${rest}e${power}`;
}

/** As `a.compare(b)`, for sorting. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.compare(b);
}

/** Sum of any number of quantities; zero for none. */
export function addQuantities(...quantities: readonly Quantity[]): Quantity {
  return quantities.reduce((sum, each) => sum.add(each), new Quantity(0n));
}
