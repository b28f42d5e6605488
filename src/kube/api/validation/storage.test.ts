// What is refused of claims and volumes, and what may change of them.
// Pure.
import { expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { validateObject } from './index.ts';

const claim = (spec: object): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'default', resourceVersion: '1' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  }) as KubeObject;
const volume = (spec: object): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'disk', resourceVersion: '1' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/srv' }, ...spec },
  }) as KubeObject;
const said = (next: KubeObject, previous?: KubeObject): string[] =>
  validateObject(next, previous).map(({ field, message }) => `${field}: ${message}`);

test('a plain claim and a plain volume are fine', () => {
  expect(said(claim({}))).toEqual([]);
  expect(said(volume({}))).toEqual([]);
});

test.each([
  [claim({ accessModes: [] }), 'spec.accessModes: Required value: at least 1 access mode is required'],
  [claim({ accessModes: ['Often'] }), 'spec.accessModes[0]: Unsupported value: "Often"'],
  [claim({ resources: {} }), 'spec.resources[storage]: Required value'],
  [claim({ resources: { requests: { storage: '0' } } }), 'must be greater than zero'],
  [volume({ hostPath: undefined }), 'spec: Required value: must specify a volume type'],
  [volume({ local: { path: '/x' } }), 'spec.local: Forbidden: may not specify more than 1 volume type'],
  [volume({ capacity: {} }), 'spec.capacity: Required value'],
  [volume({ persistentVolumeReclaimPolicy: 'Burn' }), 'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn"'],
])('%# is refused', (object, message) => {
  expect(said(object).join('\n')).toContain(message);
});

test('a claim may be bound and grow, and nothing else of it may change', () => {
  expect(said(claim({ volumeName: 'disk' }), claim({}))).toEqual([]);
  expect(said(claim({ resources: { requests: { storage: '2Gi' } } }), claim({}))).toEqual([]);
  const fixed = 'spec: Forbidden: spec is immutable after creation except';
  expect(said(claim({ volumeName: 'b' }), claim({ volumeName: 'a' })).join()).toContain(fixed);
  expect(said(claim({ storageClassName: 'b' }), claim({ storageClassName: 'a' })).join()).toContain(fixed);
});

test('a volume keeps its source', () => {
  expect(said(volume({ hostPath: { path: '/other' } }), volume({})).join()).toContain(
    'spec.persistentvolumesource is immutable after creation',
  );
  expect(said(volume({ persistentVolumeReclaimPolicy: 'Retain' }), volume({}))).toEqual([]);
});
