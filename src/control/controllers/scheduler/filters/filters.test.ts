// What each filter refuses, and in which words.
// Pure, without an API server.
import type { NodeSelectorRequirement, PodAffinityTerm, Taint, Toleration } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { aCluster, aNode, aPod, decide } from '../testing.ts';

const refused = (reason: string): string => `0/1 nodes are available: 1 ${reason}.`;

describe('resources', () => {
  test('names every resource that is short', () => {
    const cluster = aCluster([aNode('n')]);
    expect(decide(aPod('p', { cpu: '5', memory: '9Gi' }), cluster)).toBe(
      '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
    );
    expect(decide(aPod('p', { 'gpu.dev/x': '1' }), cluster)).toBe(refused('Insufficient gpu.dev/x'));
    expect(decide(aPod('p', { cpu: '4', memory: '8Gi' }), cluster)).toBe('n');
  });

  test('counts what stands on the node, and the number of pods', () => {
    const standing = aPod('s', { cpu: '3500m' });
    expect(decide(aPod('p', { cpu: '1' }), aCluster([aNode('n')], [['n', standing]]))).toBe(
      refused('Insufficient cpu'),
    );
    const full = aCluster([aNode('n', {}, {}, { pods: '1' })], [['n', aPod('s')]]);
    expect(decide(aPod('p'), full)).toBe(refused('Too many pods'));
  });

  test('counts pods that were there before their node was known', () => {
    const cluster = aCluster([]);
    cluster.state.place(aPod('s', { cpu: '4' }), 'n');
    cluster.state.setNode(aNode('n'));
    const { nodes } = cluster.state;
    expect(decide(aPod('p', { cpu: '1' }), { ...cluster, nodes })).toBe(refused('Insufficient cpu'));
  });
});

describe('taints', () => {
  const gpu: Taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

  test('keep pods off nodes that are cordoned, not ready or tainted', () => {
    const on = (node: ReturnType<typeof aNode>): string => decide(aPod('p'), aCluster([node]));
    expect(on(aNode('n', {}, { unschedulable: true }))).toBe(refused('node(s) were unschedulable'));
    expect(on(aNode('n', {}, { taints: [gpu] }))).toBe(refused('node(s) had untolerated taint {gpu: yes}'));
    expect(on({ ...aNode('n'), status: { allocatable: { pods: '1' } } })).toBe(
      refused('node(s) had untolerated taint {node.kubernetes.io/not-ready: }'),
    );
    expect(on(aNode('n', {}, { taints: [{ ...gpu, effect: 'PreferNoSchedule' }] }))).toBe('n');
  });

  test.each<[Toleration, Taint, boolean]>([
    [{ key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }, gpu, true],
    [{ key: 'gpu', value: 'yes' }, gpu, true],
    [{ key: 'gpu', operator: 'Exists' }, gpu, true],
    [{ operator: 'Exists' }, gpu, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, gpu, false],
    [{ key: 'gpu', operator: 'Equal', value: 'no' }, gpu, false],
    [{ key: 'gpu', operator: 'Equal', value: 'yes' }, { ...gpu, effect: 'NoExecute' }, true],
    [{ key: 'level', operator: 'Gt', value: '5' }, { key: 'level', value: '7', effect: 'NoSchedule' }, true],
    [{ key: 'level', operator: 'Lt', value: '5' }, { key: 'level', value: '7', effect: 'NoSchedule' }, false],
  ])('toleration %j of %j: %s', (toleration, taint, fits) => {
    const cluster = aCluster([aNode('n', {}, { taints: [taint] })]);
    expect(decide(aPod('p', {}, { tolerations: [toleration] }), cluster) === 'n').toBe(fits);
  });
});

describe('node affinity', () => {
  const cluster = aCluster([aNode('n', { disk: 'ssd', cores: '8' })]);
  const mismatch = refused("node(s) didn't match Pod's node affinity/selector");

  test.each<[NodeSelectorRequirement, boolean]>([
    [{ key: 'disk', operator: 'In', values: ['ssd'] }, true],
    [{ key: 'disk', operator: 'NotIn', values: ['ssd'] }, false],
    [{ key: 'gpu', operator: 'NotIn', values: ['x'] }, true],
    [{ key: 'disk', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists' }, false],
    [{ key: 'gpu', operator: 'DoesNotExist' }, true],
    [{ key: 'cores', operator: 'Gt', values: ['4'] }, true],
    [{ key: 'cores', operator: 'Lt', values: ['4'] }, false],
    [{ key: 'disk', operator: 'Gt', values: ['4'] }, false],
  ])('%j matches: %s', (requirement, fits) => {
    const nodeSelectorTerms = [{ matchExpressions: [requirement] }];
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
    expect(decide(aPod('p', {}, { affinity }), cluster)).toBe(fits ? 'n' : mismatch);
  });

  test('goes by node name in matchFields, and by nodeSelector', () => {
    const terms = (name: string) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
        },
      },
    });
    expect(decide(aPod('p', {}, { affinity: terms('n') }), cluster)).toBe('n');
    expect(decide(aPod('p', {}, { affinity: terms('other') }), cluster)).toBe(mismatch);
    expect(decide(aPod('p', {}, { nodeSelector: { disk: 'hdd' } }), cluster)).toBe(mismatch);
  });
});

test('one host port is not given twice, but is for another protocol or address', () => {
  const holding = (name: string, protocol = 'TCP', hostIP = '') =>
    aPod(name, {}, { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 8080, protocol, hostIP }] }] });
  const taken = refused("node(s) didn't have free ports for the requested pod ports");
  const cluster = aCluster([aNode('n')], [['n', holding('a')]]);
  expect(decide(holding('b'), cluster)).toBe(taken);
  expect(decide(holding('b', 'TCP', '10.0.0.1'), cluster)).toBe(taken);
  expect(decide(holding('b', 'UDP'), cluster)).toBe('n');
  const bound = aCluster([aNode('n')], [['n', holding('a', 'TCP', '10.0.0.1')]]);
  expect(decide(holding('b', 'TCP', '10.0.0.2'), bound)).toBe('n');
  expect(decide(holding('b', 'TCP', '0.0.0.0'), bound)).toBe(taken);
});

describe('affinity between pods', () => {
  const nodes = [aNode('a1', { zone: 'a' }), aNode('b1', { zone: 'b' })];
  const web: PodAffinityTerm = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } };
  const near = (...terms: PodAffinityTerm[]) => ({
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  });
  const apart = (...terms: PodAffinityTerm[]) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  });
  const standing = aPod('w', {}, {}, { app: 'web' });

  test('goes where its friends are, and nowhere when there are none', () => {
    expect(decide(aPod('p', {}, near(web)), aCluster(nodes, [['b1', standing]]))).toBe('b1');
    expect(decide(aPod('p', {}, near(web)), aCluster(nodes))).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.",
    );
  });

  test('the first of a group that wants to be together has nobody to join', () => {
    expect(decide(aPod('p', {}, near(web), { app: 'web' }), aCluster(nodes))).toBe('a1');
  });

  test('stays away from whom it shuns, and from those that shun it', () => {
    expect(decide(aPod('p', {}, apart(web)), aCluster(nodes, [['a1', standing]]))).toBe('b1');
    const shy = aPod('shy', {}, apart(web));
    expect(decide(aPod('p', {}, {}, { app: 'web' }), aCluster(nodes, [['a1', shy]]))).toBe('b1');
    const both = aCluster(nodes, [
      ['a1', shy],
      ['b1', { ...shy, metadata: { ...shy.metadata, name: 'shy2' } }],
    ]);
    expect(decide(aPod('p', {}, {}, { app: 'web' }), both)).toBe(
      "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.",
    );
  });

  test('looks into other namespaces only when told', () => {
    const elsewhere = { ...standing, metadata: { ...standing.metadata, namespace: 'shop' } };
    const lookups = {
      namespaceLabels: (name: string): Record<string, string> => (name === 'shop' ? { team: 'x' } : {}),
    };
    const cluster = aCluster([nodes[0] ?? aNode('')], [['a1', elsewhere]], lookups);
    const no = refused("node(s) didn't match pod anti-affinity rules");
    expect(decide(aPod('p', {}, apart(web)), cluster)).toBe('a1');
    expect(decide(aPod('p', {}, apart({ ...web, namespaces: ['shop'] })), cluster)).toBe(no);
    expect(decide(aPod('p', {}, apart({ ...web, namespaceSelector: {} })), cluster)).toBe(no);
    const team = (value: string) => ({ ...web, namespaceSelector: { matchLabels: { team: value } } });
    expect(decide(aPod('p', {}, apart(team('x'))), cluster)).toBe(no);
    expect(decide(aPod('p', {}, apart(team('y'))), cluster)).toBe('a1');
  });

  test('matchLabelKeys tell generations of the same pods apart', () => {
    const old = aPod('old', {}, {}, { app: 'web', hash: '1' });
    const cluster = aCluster([nodes[0] ?? aNode('')], [['a1', old]]);
    const keyed = apart({ ...web, matchLabelKeys: ['hash'] });
    expect(decide(aPod('p', {}, keyed, { app: 'web', hash: '2' }), cluster)).toBe('a1');
    expect(decide(aPod('p', {}, keyed, { app: 'web', hash: '1' }), cluster)).toContain('anti-affinity');
    const mismatched = apart({ ...web, mismatchLabelKeys: ['hash'] });
    expect(decide(aPod('p', {}, mismatched, { app: 'web', hash: '2' }), cluster)).toContain('anti-affinity');
  });
});

describe('topology spread', () => {
  const web = { app: 'web' };
  const spread = (more: object = {}) => ({
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: web },
        ...more,
      },
    ],
  });
  const nodes = [aNode('a1', { zone: 'a' }), aNode('a2', { zone: 'a' }), aNode('b1', { zone: 'b' })];
  const one = aPod('one', {}, {}, web);

  test('does not let a domain run ahead', () => {
    const cluster = aCluster(nodes, [['a1', one]]);
    expect(decide(aPod('p', {}, spread(), web), cluster)).toBe('b1');
    const cordoned = aCluster(
      [...nodes.slice(0, 2), aNode('b1', { zone: 'b' }, { unschedulable: true })],
      [['a1', one]],
    );
    expect(decide(aPod('p', {}, spread(), web), cordoned)).toBe(
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints.",
    );
  });

  test('says when a node has not the label', () => {
    expect(decide(aPod('p', {}, spread(), web), aCluster([aNode('n')]))).toBe(
      refused("node(s) didn't match pod topology spread constraints (missing required label)"),
    );
  });

  test('minDomains holds pods back until there are enough domains', () => {
    const cluster = aCluster(nodes, [
      ['a1', one],
      ['b1', aPod('two', {}, {}, web)],
    ]);
    expect(decide(aPod('p', {}, spread({ minDomains: 2 }), web), cluster)).not.toContain('nodes are available');
    expect(decide(aPod('p', {}, spread({ minDomains: 3 }), web), cluster)).toContain('topology spread constraints');
  });

  test('the policies decide which nodes count', () => {
    const tainted = aNode('b1', { zone: 'b' }, { taints: [{ key: 'x', effect: 'NoSchedule' }] });
    const cluster = aCluster([...nodes.slice(0, 2), tainted], [['a1', one]]);
    // The empty zone counts although the pod may not go there, unless taints are honoured.
    expect(decide(aPod('p', {}, spread(), web), cluster)).toContain('topology spread constraints');
    expect(decide(aPod('p', {}, spread({ nodeTaintsPolicy: 'Honor' }), web), cluster)).toMatch(/^a/);
    const onlyA = { ...spread(), nodeSelector: { zone: 'a' } };
    const plain = aCluster(nodes, [['a1', one]]);
    expect(decide(aPod('p', {}, onlyA, web), plain)).toMatch(/^a/);
    const ignoring = { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'a' } };
    expect(decide(aPod('p', {}, ignoring, web), plain)).toContain('topology spread constraints');
  });

  test('pods that are going, or of another generation, do not count', () => {
    const going = { ...one, metadata: { ...one.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const full = [nodes[0] ?? aNode(''), aNode('b1', { zone: 'b' }, { unschedulable: true })];
    expect(decide(aPod('p', {}, spread(), web), aCluster(full, [['a1', going]]))).toBe('a1');
    const keyed = spread({ matchLabelKeys: ['hash'] });
    const old = aPod('old', {}, {}, { ...web, hash: '1' });
    expect(decide(aPod('p', {}, keyed, { ...web, hash: '2' }), aCluster(full, [['a1', old]]))).toBe('a1');
    expect(decide(aPod('p', {}, keyed, { ...web, hash: '1' }), aCluster(full, [['a1', old]]))).toContain('spread');
  });
});
