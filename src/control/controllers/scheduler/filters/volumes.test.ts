// Pods whose claims are missing, unbound, or bound to volumes that not every node reaches.
// Pure, without an API server.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import type { Lookups } from '../state/cluster-state.ts';
import { aCluster, aNode, aPod, decide } from '../testing.ts';

const claiming = aPod('p', {}, { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
const nodes = [aNode('a1', { zone: 'a' }), aNode('b1', { zone: 'b' })];
const inZoneB = {
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] }] },
};

function claim(spec: PersistentVolumeClaim['spec'], phase = 'Pending'): PersistentVolumeClaim {
  return { metadata: { name: 'data', namespace: 'default', uid: 'c' }, spec, status: { phase } };
}

function decided(given: PersistentVolumeClaim | undefined, more: Partial<Lookups> = {}): string {
  return decide(claiming, aCluster(nodes, [], { claim: () => given, ...more }));
}

const volume = (spec: PersistentVolume['spec']): PersistentVolume => ({
  metadata: { name: 'v' },
  spec,
  status: { phase: 'Available' },
});

test('a claim that is not there, or that is not bound, is named', () => {
  expect(decided(undefined)).toBe('0/2 nodes are available: persistentvolumeclaim "data" not found.');
  expect(decided(claim({}))).toBe('0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.');
});

test('a bound volume leads the pod to nodes that reach it', () => {
  const bound = claim({ volumeName: 'v' }, 'Bound');
  expect(decided(bound, { volume: () => volume({ nodeAffinity: inZoneB }) })).toBe('b1');
  expect(decided(bound, { volume: () => volume({}) })).toBe('a1');
  const elsewhere = { required: { nodeSelectorTerms: [] } };
  expect(decided(bound, { volume: () => volume({ nodeAffinity: elsewhere }) })).toBe(
    "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
  );
});

test('a claim that waits for its consumer takes a volume of the node, or a provisioner that may make one there', () => {
  const waiting = claim({ storageClassName: 'late', resources: { requests: { storage: '1Gi' } } });
  const late = (provisioner: string, values?: string[]) => () => ({
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
    ...(values === undefined ? {} : { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values }] }] }),
  });
  const none = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.";
  const local = 'kubernetes.io/no-provisioner';
  expect(decided(waiting, { storageClass: late(local) })).toBe(none);
  const sized = (storage: string) => () => [
    volume({ storageClassName: 'late', capacity: { storage }, nodeAffinity: inZoneB }),
  ];
  expect(decided(waiting, { storageClass: late(local), volumes: sized('2Gi') })).toBe('b1');
  expect(decided(waiting, { storageClass: late(local), volumes: sized('500Mi') })).toBe(none);
  expect(decided(waiting, { storageClass: late('x.dev/disks') })).toBe('a1');
  expect(decided(waiting, { storageClass: late('x.dev/disks', ['b']) })).toBe('b1');
});

test('a ReadWriteOncePod claim serves one pod', () => {
  const bound = claim({ volumeName: 'v', accessModes: ['ReadWriteOncePod'] }, 'Bound');
  const other = { ...claiming, metadata: { ...claiming.metadata, name: 'other' } };
  const lookups = { claim: () => bound, volume: () => volume({}) };
  expect(decide(claiming, aCluster([aNode('n')], [['n', other]], lookups))).toContain('ReadWriteOncePod access mode');
});
