// Hashes, revisions and what a ReplicaSet inherits.
// Pure, without a cluster.
import fc from 'fast-check';
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import {
  findNewSet,
  HASH_LABEL,
  newSetAnnotations,
  nextRevision,
  REVISION,
  REVISION_HISTORY,
  sameTemplate,
  templateHash,
} from './revisions.ts';

const template = (image: string, labels: Record<string, string> = { app: 'web' }): PodTemplateSpec => ({
  metadata: { labels },
  spec: { containers: [{ name: 'web', image }] },
});
const set = (name: string, of: PodTemplateSpec, created: string, annotations = {}): ReplicaSet => ({
  metadata: { name, creationTimestamp: created, annotations },
  spec: { selector: {}, template: of },
});

describe('templateHash', () => {
  test('is ten characters that are safe in a name, the same for what means the same', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), fc.nat(3), (env, collisions) => {
        const reversed = Object.fromEntries(Object.entries(env).reverse());
        const hash = templateHash(template('web:1', env), collisions);
        expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
        expect(templateHash(template('web:1', reversed), collisions)).toBe(hash);
      }),
    );
  });

  test('differs by image and by collision count, but not by its own label, nulls or empty values', () => {
    const plain = template('web:1');
    const hash = templateHash(plain);
    expect(templateHash(template('web:2'))).not.toBe(hash);
    expect(templateHash(plain, 1)).not.toBe(hash);
    const dressed = template('web:1', { app: 'web', [HASH_LABEL]: 'abc' });
    const noisy = { ...dressed, spec: { ...dressed.spec, volumes: [], nodeSelector: {} } } as PodTemplateSpec;
    expect(templateHash(noisy)).toBe(hash);
    expect(sameTemplate(noisy, plain)).toBe(true);
  });
});

describe('findNewSet', () => {
  test('takes the oldest of several that have the template', () => {
    const deployment: Deployment = { spec: { selector: {}, template: template('web:2') } };
    const sets = [
      set('other', template('web:1'), '2026-01-01T00:00:00Z'),
      set('late', template('web:2'), '2026-01-03T00:00:00Z'),
      set('early', template('web:2'), '2026-01-02T00:00:00Z'),
    ];
    expect(findNewSet(deployment, sets)?.metadata?.name).toBe('early');
    expect(findNewSet(deployment, sets.slice(0, 1))).toBeUndefined();
  });
});

describe('revisions', () => {
  test('count on from the highest there is; text that is no number counts as none', () => {
    const old = ['3', 'x', '7'].map((revision) => set('s', template('a'), '', { [REVISION]: revision }));
    expect(nextRevision(old)).toBe(8);
    expect(nextRevision([])).toBe(1);
  });

  test('a set that becomes new again keeps its former revisions as history', () => {
    const deployment: Deployment = {
      metadata: { annotations: { 'kubernetes.io/change-cause': 'undo', [REVISION]: '5' } },
    };
    const existing = { [REVISION]: '2', [REVISION_HISTORY]: '1' };
    expect(newSetAnnotations(deployment, existing, 6, { desired: 3, max: 4 })).toEqual({
      'kubernetes.io/change-cause': 'undo',
      [REVISION]: '6',
      [REVISION_HISTORY]: '1,2',
    });
  });

  test('the history stays short enough for an annotation', () => {
    let annotations: Record<string, string> = { [REVISION]: '1' };
    for (let revision = 2; revision < 1500; revision++) {
      annotations = newSetAnnotations({}, annotations, revision, { desired: 1, max: 1 });
    }
    expect(annotations[REVISION_HISTORY]?.length).toBeLessThanOrEqual(2000);
    expect(annotations[REVISION_HISTORY]?.endsWith(',1498')).toBe(true);
  });
});
