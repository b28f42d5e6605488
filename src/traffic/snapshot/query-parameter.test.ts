// Query parameters as clients write them.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { queryParameter } from './query-parameter.ts';

it.each([
  ['/', 'a', undefined],
  ['/?', 'a', undefined],
  ['/?a', 'a', ''],
  ['/?a=', 'a', ''],
  ['/?a=1', 'a', '1'],
  ['/?a=1=2', 'a', '1=2'],
  ['/?a=1&a=2', 'a', '1'],
  ['/?ab=1&a=2', 'a', '2'],
  ['/?A=1', 'a', undefined],
  ['/?b=1&&a=2', 'a', '2'],
  ['/?b=1&', '', undefined],
  ['/?a=x+y', 'a', 'x y'],
  ['/?a=caf%C3%A9', 'a', 'café'],
  ['/?%61=1', 'a', '1'],
  ['/?first+name=ann', 'first name', 'ann'],
  // Broken escapes stay as they stand.
  ['/?a=%zz', 'a', '%zz'],
  ['/?a=%ff', 'a', '%ff'],
])('in %s, "%s" is %j', (target, name, expected) => {
  expect(queryParameter(target, name)).toBe(expected);
});

it('reads what browsers write', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string()), { minLength: 1 }), (pairs) => {
      const target = `/?${new URLSearchParams(pairs.map(([name, value]) => [name, value]))}`;
      for (const [name] of pairs)
        expect(queryParameter(target, name)).toBe(pairs.find(([other]) => other === name)?.[1]);
    }),
  );
});
