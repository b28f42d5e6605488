// Tests of JSON merge patch against the examples and the laws of RFC 7386.
// Knows nothing of kinds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#lib/json.ts';
import { mergePatch } from './merge-patch.ts';

describe('mergePatch()', () => {
  it.each<[Json, Json, Json]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (current, patch, expected) => {
    expect(mergePatch(current, patch)).toEqual(expected);
  });

  it('is idempotent, and leaves its arguments alone', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const [current, patch] = [a as Json, b as Json];
        const before = JSON.stringify([current, patch]);
        const once = mergePatch(current, patch);
        expect(mergePatch(once, patch)).toEqual(once);
        expect(JSON.stringify([current, patch])).toBe(before);
      }),
    );
  });

  it('never reaches a prototype', () => {
    mergePatch({}, JSON.parse('{"__proto__": {"polluted": 1}}') as Json);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
