// Settings of maglev: the size of its table, and whether loads are bounded.
// Knows nothing of how the policy picks.
import { hashBalanceFactor } from '../hashing/load-bound.ts';
import { numberSetting, onlySettings } from '../policy.ts';

export interface MaglevConfig {
  readonly type: 'maglev';
  /** A prime; best a hundred times the number of targets. */
  readonly tableSize: number;
  /** Percent of its share of all requests in flight that a target may carry, 100 or more; 0: no bound. */
  readonly hashBalanceFactor: number;
}

/** As in Envoy. */
const DEFAULT_TABLE_SIZE = 65_537;
const MAX_TABLE_SIZE = 5_000_011;

export function parseMaglev(settings: Readonly<Record<string, unknown>>): MaglevConfig {
  const type = 'maglev';
  onlySettings(type, settings, ['tableSize', 'hashBalanceFactor']);
  const range = { min: 3, max: MAX_TABLE_SIZE, whole: true };
  const tableSize = numberSetting(type, settings, 'tableSize', DEFAULT_TABLE_SIZE, range);
  // With any other size the steps of some targets would never reach every entry.
  if (!isPrime(tableSize)) {
    throw new TypeError(
      `Setting "tableSize" of balancing policy "maglev" is "${tableSize}": use a prime, as ${nextPrime(tableSize)}`,
    );
  }
  return { type, tableSize, hashBalanceFactor: hashBalanceFactor(type, settings) };
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
}

function nextPrime(value: number): number {
  let candidate = value;
  while (!isPrime(candidate)) candidate++;
  return candidate;
}
