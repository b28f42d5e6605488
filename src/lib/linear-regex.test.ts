// Patterns as users write them: anchored at both ends, linear, and refused with a reason when they are none.
import { describe, expect, it } from 'vitest';
import { wholeMatch } from './linear-regex.ts';

function matches(pattern: string, text: string): boolean {
  const test = wholeMatch(pattern);
  if ('error' in test) throw new Error(test.error);
  return test(text);
}

describe('wholeMatch()', () => {
  it.each([
    ['/v[0-9]+', '/v12', true],
    ['/v[0-9]+', '/v12/x', false],
    ['/v[0-9]+', 'x/v12', false],
    // Alternatives are anchored as a whole, and the longer one is tried as well.
    ['a|ab', 'ab', true],
    ['a|b', 'ab', false],
    ['(?i)shop', 'SHOP', true],
    ['', '', true],
    ['', 'a', false],
  ])('%s on "%s": %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it('comes to an end where backtracking would not', () => {
    expect(matches('(a*)*b', 'a'.repeat(5_000))).toBe(false);
  });

  it.each([
    ['a(b', 'missing closing ): `a(b`'],
    ['(?=x)', 'invalid or unsupported Perl syntax: `(?=`'],
  ])('says what is wrong with %s', (pattern, error) => {
    expect(wholeMatch(pattern)).toEqual({ error });
  });
});
