// Which labels a selector lets in.
import { expect, it } from 'vitest';
import { inSubset } from './subset.ts';

it.each([
  [{ version: 'v2', tier: 'web' }, { version: 'v2' }, true],
  [{ version: 'v1' }, { version: 'v2' }, false],
  [{ version: 'v2' }, { version: 'v2', tier: 'web' }, false],
  [undefined, { version: 'v2' }, false],
  [undefined, {}, true],
  // A label of this name stands on every object's prototype.
  [{}, { constructor: 'x' }, false],
])('%j in %j: %s', (labels, selector, expected) => {
  expect(inSubset(labels as Readonly<Record<string, string>> | undefined, selector as never)).toBe(expected);
});
