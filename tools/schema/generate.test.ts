// The committed structure is what the pinned client package yields.
import { expect, test } from 'vitest';
import { checkStructure } from './generate.ts';

test('the generated structure is up to date', { timeout: 130_000 }, ({ skip }) => {
  const result = checkStructure();
  if (result === 'skipped') skip('the client package is out of reach');
  expect(result).toBe('same');
});
