// Which of several nodes that would do is taken.
// Pure, without an API server.
import { describe, expect, test } from 'vitest';
import { aCluster, aNode, aPod, decide, siblingsBy } from '../testing.ts';

const web = { app: 'web' };

test('the emptier node is better', () => {
  const cluster = aCluster([aNode('full'), aNode('empty')], [['full', aPod('s', { cpu: '2', memory: '4Gi' })]]);
  expect(decide(aPod('p', { cpu: '1' }), cluster)).toBe('empty');
});

test('of two nodes as empty, the one whose CPU and memory fill evenly is better', () => {
  const nodes = [aNode('cpu-heavy'), aNode('even')];
  const cluster = aCluster(nodes, [
    ['cpu-heavy', aPod('a', { cpu: '2', memory: '2Gi' })],
    ['even', aPod('b', { cpu: '1', memory: '4Gi' })],
  ]);
  expect(decide(aPod('p', { cpu: '1', memory: '512Mi' }), cluster)).toBe('even');
});

test('a taint that only prefers is avoided unless it is tolerated', () => {
  const taints = [{ key: 'x', effect: 'PreferNoSchedule' }];
  const cluster = aCluster([aNode('tainted', {}, { taints }), aNode('busy')], [['busy', aPod('s', { cpu: '2' })]]);
  expect(decide(aPod('p'), cluster)).toBe('busy');
  expect(decide(aPod('p', {}, { tolerations: [{ operator: 'Exists' }] }), cluster)).toBe('tainted');
});

test('preferred node affinity counts by weight', () => {
  const prefer = (weight: number, disk: string) => ({
    weight,
    preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: [disk] }] },
  });
  const affinity = {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefer(10, 'ssd'), prefer(90, 'nvme')] },
  };
  const nodes = [aNode('none'), aNode('ssd', { disk: 'ssd' }), aNode('nvme', { disk: 'nvme' })];
  expect(decide(aPod('p', {}, { affinity }), aCluster(nodes))).toBe('nvme');
});

describe('preferred affinity between pods', () => {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: web } };
  const preferred = [{ weight: 100, podAffinityTerm: term }];
  const key = 'preferredDuringSchedulingIgnoredDuringExecution';
  const cluster = aCluster([aNode('a'), aNode('b')], [['b', aPod('w', {}, {}, web)]]);

  test('draws and repels', () => {
    expect(decide(aPod('p', {}, { affinity: { podAffinity: { [key]: preferred } } }), cluster)).toBe('b');
    const other = aCluster([aNode('a'), aNode('b')], [['a', aPod('w', {}, {}, web)]]);
    expect(decide(aPod('p', {}, { affinity: { podAntiAffinity: { [key]: preferred } } }), other)).toBe('b');
  });

  test('of pods that stand counts as well', () => {
    const fond = aPod('fond', {}, { affinity: { podAffinity: { [key]: preferred } } });
    expect(decide(aPod('p', {}, {}, web), aCluster([aNode('a'), aNode('b')], [['b', fond]]))).toBe('b');
  });
});

describe('spreading', () => {
  test('replicas go to different nodes and zones without being told', () => {
    const zone = 'topology.kubernetes.io/zone';
    const nodes = ['a', 'a', 'a', 'b', 'c'].map((name, i) => aNode(`${name}${i}`, { [zone]: name }));
    const cluster = aCluster(nodes, [], { siblings: siblingsBy(web) });
    const chosen: string[] = [];
    for (let i = 0; i < 5; i++) {
      const node = decide(aPod(`p${i}`, { cpu: '100m' }, {}, web), cluster);
      cluster.state.place(aPod(`p${i}`, { cpu: '100m' }, {}, web), node);
      chosen.push(node);
    }
    const zones = chosen.slice(0, 3).map((name) => name.charAt(0));
    expect(zones.sort()).toEqual(['a', 'b', 'c']);
    expect(new Set(chosen).size).toBe(5);
  });

  test('a soft constraint prefers, and does not insist', () => {
    const topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: web },
      },
    ];
    const soft = aPod('p', {}, { topologySpreadConstraints }, web);
    const standing = [['a1', aPod('s', {}, {}, web)]] as const;
    expect(decide(soft, aCluster([aNode('a1', { zone: 'a' }), aNode('b1', { zone: 'b' })], standing))).toBe('b1');
    expect(decide(soft, aCluster([aNode('a1', { zone: 'a' })], standing))).toBe('a1');
    expect(decide(soft, aCluster([aNode('bare'), aNode('a1', { zone: 'a' })], standing))).toBe('a1');
  });
});
