// The difference of two models: right for any two, and empty when they say the same.
// Uses the smallest table of the model; the others go the same way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffTraffic } from './diff.ts';
import type { Listener } from './ir.ts';

const listener: fc.Arbitrary<Listener> = fc.record({
  name: fc.constantFrom('http', 'https'),
  address: fc.constantFrom('', '127.0.0.1'),
  port: fc.integer({ min: 1, max: 3 }),
  protocol: fc.constantFrom('http' as const, 'https' as const),
});
const table = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), listener)
  .map((entries) => new Map(Object.entries(entries)));

/** What a receiver makes of the changes. */
function applied(
  before: ReadonlyMap<string, Listener>,
  changes: ReturnType<typeof diffTraffic>,
): Map<string, Listener> {
  const after = new Map(before);
  for (const [name, value] of changes?.listeners ?? []) {
    if (value === undefined) after.delete(name);
    else after.set(name, value);
  }
  return after;
}

describe('difference of two models', () => {
  it('turns the one into the other', () => {
    fc.assert(
      fc.property(table, table, (before, after) => {
        const changes = diffTraffic({ listeners: before }, { listeners: after });
        expect(applied(before, changes)).toEqual(new Map(after));
      }),
    );
  });

  it('is undefined for models that say the same', () => {
    fc.assert(
      fc.property(table, (model) => {
        expect(diffTraffic({ listeners: model }, { listeners: structuredClone(model) })).toBeUndefined();
      }),
    );
  });

  it('names only what changed, and marks what is gone', () => {
    const at = (port: number): Listener => ({ name: 'http', address: '', port, protocol: 'http' });
    const before = new Map(Object.entries({ a: at(1), b: at(2), c: at(3) }));
    const after = new Map(Object.entries({ a: at(1), b: at(9) }));
    expect(diffTraffic({ listeners: before }, { listeners: after })).toEqual({
      listeners: new Map([
        ['b', at(9)],
        ['c', undefined],
      ]),
    });
  });
});
