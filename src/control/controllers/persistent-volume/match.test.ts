// What may be bound: never too small, never another's, and the smallest that will do.
// No API.
import fc from 'fast-check';
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { bestVolume } from './match.ts';

const claim = (gi: number, extra: object = {}): PersistentVolumeClaim => ({
  metadata: { name: 'data', namespace: 'default', uid: 'u1' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: `${gi}Gi` } }, ...extra },
});
const volume = (
  name: string,
  gi: number,
  spec: object = {},
  labels: Record<string, string> = {},
): PersistentVolume => ({
  metadata: { name, labels },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: `${gi}Gi` }, ...spec },
  status: { phase: 'Available' },
});

test('the smallest volume that is large enough and free is chosen', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean())),
      fc.integer({ min: 1, max: 9 }),
      (all, wanted) => {
        const taken = { claimRef: { name: 'other', namespace: 'default', uid: 'u2' } };
        const volumes = all.map(([gi, free], index) => volume(`v${index}`, gi, free ? {} : taken));
        const fitting = all.filter(([gi, free]) => free && gi >= wanted).map(([gi]) => gi);
        const chosen = bestVolume(volumes, claim(wanted));
        expect(chosen?.spec?.capacity?.storage).toBe(fitting.length === 0 ? undefined : `${Math.min(...fitting)}Gi`);
        expect(chosen?.spec?.claimRef).toBeUndefined();
      },
    ),
  );
});

test('class, access modes, mode and labels must match', () => {
  const labelled = claim(1, { selector: { matchLabels: { disk: 'ssd' } } });
  expect(
    bestVolume([volume('a', 1, {}, { disk: 'hdd' }), volume('b', 2, {}, { disk: 'ssd' })], labelled)?.metadata?.name,
  ).toBe('b');
  expect(bestVolume([volume('a', 1)], claim(1, { storageClassName: 'fast' }))).toBeUndefined();
  expect(bestVolume([volume('a', 1)], claim(1, { accessModes: ['ReadWriteMany'] }))).toBeUndefined();
  expect(bestVolume([volume('a', 1, { volumeMode: 'Block' })], claim(1))).toBeUndefined();
});

test('a volume that names the claim goes before a smaller one', () => {
  const meant = volume('meant', 5, { claimRef: { name: 'data', namespace: 'default' } });
  expect(bestVolume([volume('small', 1), meant], claim(1))?.metadata?.name).toBe('meant');
  const past = volume('past', 5, { claimRef: { name: 'data', namespace: 'default', uid: 'of-a-claim-that-went' } });
  expect(bestVolume([past], claim(1))).toBeUndefined();
});
