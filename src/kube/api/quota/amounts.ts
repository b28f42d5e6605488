// Amounts by resource name: added, taken away, compared, and printed as upstream's messages do.
// Knows quantities only.
import { parseQuantity, Quantity } from '../quantity.ts';

export type Amounts = ReadonlyMap<string, Quantity>;

export const NONE: Amounts = new Map();
const ZERO = new Quantity(0n);

/** Unreadable amounts count as nothing: validation has a say before. */
export function readAmounts(list: unknown): Map<string, Quantity> {
  const amounts = new Map<string, Quantity>();
  if (typeof list !== 'object' || list === null) return amounts;
  for (const [name, text] of Object.entries(list)) {
    try {
      amounts.set(name, parseQuantity(String(text)));
    } catch {
      // Left out.
    }
  }
  return amounts;
}

export function amountOf(amounts: Amounts, name: string): Quantity {
  return amounts.get(name) ?? ZERO;
}

export function add(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x + y);
}

export function subtract(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x - y);
}

export function larger(a: Amounts, b: Amounts): Amounts {
  // These are no numbers, which Math.max is for.
  return combine(a, b, (x, y) => {
    if (x > y) return x;
    return y;
  });
}

function combine(a: Amounts, b: Amounts, how: (x: bigint, y: bigint) => bigint): Amounts {
  if (b.size === 0 && how(1n, 0n) === 1n) return a;
  const result = new Map(a);
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const nanos = how(a.get(name)?.nanos ?? 0n, b.get(name)?.nanos ?? 0n);
    // It is printed in the form in which it was written first.
    result.set(name, new Quantity(nanos, (a.get(name) ?? b.get(name))?.format));
  }
  return result;
}

/** `limits.cpu=2,pods=1` */
export function amountsText(amounts: Amounts): string {
  return [...amounts.keys()]
    .sort()
    .map((name) => `${name}=${amountOf(amounts, name)}`)
    .join(',');
}
