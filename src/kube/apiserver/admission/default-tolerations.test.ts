// Which pods are given a time on a node that is ill, and which have said it themselves.
// Without a server.
import type { Toleration } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import type { AnyObject } from '../registry/any-object.ts';
import { addDefaultTolerations } from './default-tolerations.ts';

const NOT_READY = {
  key: 'node.kubernetes.io/not-ready',
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 7,
};
const UNREACHABLE = { ...NOT_READY, key: 'node.kubernetes.io/unreachable', tolerationSeconds: 9 };

function tolerations(own: readonly Toleration[]): unknown {
  const pod = { spec: { containers: [], ...(own.length === 0 ? {} : { tolerations: own }) } } as unknown as AnyObject;
  addDefaultTolerations(pod, { notReady: 7, unreachable: 9 });
  return (pod.spec as { tolerations?: unknown }).tolerations;
}

test('a pod that says nothing is given both, after its own', () => {
  expect(tolerations([])).toEqual([NOT_READY, UNREACHABLE]);
  const other = { key: 'gpu', operator: 'Exists' };
  expect(tolerations([other])).toEqual([other, NOT_READY, UNREACHABLE]);
});

test('what the pod says itself stays, in whatever words', () => {
  const everything = { operator: 'Exists' };
  expect(tolerations([everything])).toEqual([everything]);
  const anyEffect = { key: NOT_READY.key, operator: 'Exists' };
  expect(tolerations([anyEffect])).toEqual([anyEffect, UNREACHABLE]);
  const forever = { key: UNREACHABLE.key, operator: 'Exists', effect: 'NoExecute' };
  expect(tolerations([forever])).toEqual([forever, NOT_READY]);
  const anotherEffect = { key: NOT_READY.key, operator: 'Exists', effect: 'NoSchedule' };
  expect(tolerations([anotherEffect])).toEqual([anotherEffect, NOT_READY, UNREACHABLE]);
});
