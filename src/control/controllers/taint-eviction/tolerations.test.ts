// How long pods stay on tainted nodes.
// Pure.
import { expect, test } from 'vitest';
import { toleratedFor } from './tolerations.ts';

const taint = { key: 'k', value: 'v', effect: 'NoExecute' };

test.each([
  [[], 0],
  [[{ operator: 'Exists' }], Number.POSITIVE_INFINITY],
  [[{ key: 'k', operator: 'Exists', tolerationSeconds: 5 }], 5_000],
  [[{ key: 'k', value: 'v', effect: 'NoExecute', tolerationSeconds: 0 }], 0],
  [[{ key: 'k', value: 'other' }], 0],
  [[{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }], 0],
  [[{ key: 'k', operator: 'Exists', tolerationSeconds: -3 }], 0],
])('%j lets a pod stay for %d ms', (tolerations, ms) => {
  expect(toleratedFor([taint], tolerations)).toBe(ms);
});

test('one taint that is not tolerated is enough, and of several times the shortest counts', () => {
  const other = { key: 'o', effect: 'NoExecute' };
  const own = { key: 'k', operator: 'Exists', tolerationSeconds: 9 };
  expect(toleratedFor([taint, other], [own])).toBe(0);
  expect(toleratedFor([taint, other], [own, { key: 'o', operator: 'Exists', tolerationSeconds: 4 }])).toBe(4_000);
  expect(toleratedFor([taint, { key: 'x', effect: 'NoSchedule' }], [own])).toBe(9_000);
});
