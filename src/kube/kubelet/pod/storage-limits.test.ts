// When a pod is evicted for what it has on the disk, and in which words.
import type { Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { hasStorageLimits, storageExceeded } from './storage-limits.ts';

const MIB = 1024 * 1024;
const container = (name: string, limit?: string) => ({
  name,
  image: 'x',
  ...(limit === undefined ? {} : { resources: { limits: { 'ephemeral-storage': limit } } }),
});
const pod = (spec: Partial<PodSpec>): Pod => ({ spec: { containers: [container('main')], ...spec } });
const use = (volumes: Record<string, number>, containers: Record<string, number> = {}) => ({
  volumes: new Map(Object.entries(volumes)),
  containers: new Map(Object.entries(containers)),
});

test('an emptyDir may hold as much as its sizeLimit', () => {
  const bounded = pod({ volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Mi' } }] });
  expect(hasStorageLimits(bounded)).toBe(true);
  expect(storageExceeded(bounded, use({ cache: MIB }))).toBeUndefined();
  expect(storageExceeded(bounded, use({ cache: MIB + 1 }))).toBe(
    'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ',
  );
});

test('without limits, or with those of nothing, there is nothing to look at', () => {
  const free = pod({
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', emptyDir: { sizeLimit: '0' } },
    ],
  });
  expect(hasStorageLimits(free)).toBe(false);
  expect(storageExceeded(free, use({ a: 9 * MIB, b: 9 * MIB }, { main: 9 * MIB }))).toBeUndefined();
});

test('limits of containers bound the pod as a whole, volumes on the disk among it, and then each of them', () => {
  const volumes = [
    { name: 'disk', emptyDir: {} },
    { name: 'memory', emptyDir: { medium: 'Memory' } },
  ];
  const both = pod({ containers: [container('a', '1Mi'), container('b', '2Mi')], volumes });
  expect(storageExceeded(both, use({ disk: 2 * MIB, memory: 9 * MIB }, { a: MIB / 2, b: MIB / 2 }))).toBeUndefined();
  expect(storageExceeded(both, use({ disk: 2 * MIB }, { a: MIB / 2, b: MIB }))).toBe(
    'Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ',
  );
  expect(storageExceeded(both, use({}, { a: MIB + 1, b: 0 }))).toBe(
    'Container a exceeded its local ephemeral storage limit "1Mi". ',
  );
});
