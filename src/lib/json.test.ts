// Tests of JSON equality, copying and own members.
// Knows nothing of what a document means.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloneJson, isJsonObject, jsonEqual, own, setOwn } from './json.ts';

describe('json', () => {
  it('a copy is equal and shares nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copied = cloneJson(value);
        expect(jsonEqual(value, copied)).toBe(true);
        if (isJsonObject(value)) expect(copied).not.toBe(value);
      }),
    );
  });

  it('equality does not see the order of members, nor undefined ones', () => {
    expect(jsonEqual({ a: 1, b: 2 }, { b: 2, a: 1, c: undefined })).toBe(true);
    expect(jsonEqual({ a: 1 }, { a: 1, b: null })).toBe(false);
    expect(jsonEqual([1, 2], [2, 1])).toBe(false);
    expect(jsonEqual({}, [])).toBe(false);
  });

  it('a member called constructor or __proto__ is a member like any other', () => {
    expect(own({}, 'constructor')).toBeUndefined();
    const object = {};
    setOwn(object, '__proto__', { polluted: true });
    expect(Object.keys(object)).toEqual(['__proto__']);
    expect(Object.keys(cloneJson(object))).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  });
});
