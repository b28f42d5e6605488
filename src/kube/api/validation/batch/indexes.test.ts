// Tests of lists of indexes against the sets that they name.
// Knows no object.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonIndex, countIndexes } from './indexes.ts';

test('lists of indexes are counted and compared as the sets that they name', () => {
  const interval = fc.tuple(fc.nat(30), fc.nat(3)).map(([from, more]) => [from, from + more] as const);
  const written = (parts: readonly (readonly [number, number])[]): string =>
    parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
  const list = fc.array(interval, { minLength: 1, maxLength: 5 }).map((parts) => parts.sort(([a], [b]) => a - b));
  const setOf = (parts: readonly (readonly [number, number])[]): Set<number> =>
    new Set(parts.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, n) => from + n)));
  fc.assert(
    fc.property(list, list, (a, b) => {
      const distinct = a.every(([from], index) => index === 0 || from > (a[index - 1]?.[1] ?? 0));
      const counted = countIndexes(written(a), 40);
      expect(typeof counted === 'number').toBe(distinct);
      if (distinct) expect(counted).toBe(setOf(a).size);
      const common = commonIndex(written(a), written(b), 40);
      const both = setOf(b).intersection(setOf(a));
      if (common === undefined) expect(both.size).toBe(0);
      else expect(both.has(common)).toBe(true);
    }),
  );
  fc.assert(fc.property(fc.string(), fc.nat(20), (text, completions) => void countIndexes(text, completions)));
});
