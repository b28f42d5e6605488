// What a container sees of its pod's volumes, and whether it may change it.
import type { Container, Pod, Volume } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { mountsOf } from './container-mounts.ts';

const readOnly = (source: Omit<Volume, 'name'>, mount: { readOnly?: boolean } = {}): boolean | undefined => {
  const volumeMounts = [{ name: 'v', mountPath: '/v', ...mount }];
  const container: Container = { name: 'main', image: 'x', volumeMounts };
  const pod: Pod = { spec: { containers: [container], volumes: [{ name: 'v', ...source }] } };
  return mountsOf(pod, container, new Map([['v', '/data/v']]), {})[0]?.readOnly;
};

test('what comes from the API is read alone', () => {
  expect(readOnly({ configMap: { name: 'c' } })).toBe(true);
  expect(readOnly({ secret: { secretName: 's' } })).toBe(true);
  expect(readOnly({ downwardAPI: {} })).toBe(true);
  expect(readOnly({ projected: { sources: [] } })).toBe(true);
  expect(readOnly({ emptyDir: {} })).toBe(false);
  expect(readOnly({ emptyDir: {} }, { readOnly: true })).toBe(true);
});

test('a persistentVolumeClaim that is taken readOnly is so in every container', () => {
  expect(readOnly({ persistentVolumeClaim: { claimName: 'disk' } })).toBe(false);
  expect(readOnly({ persistentVolumeClaim: { claimName: 'disk', readOnly: true } })).toBe(true);
});
