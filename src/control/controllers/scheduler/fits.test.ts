// Filters, requests and scores of the scheduler.
// Pure, without a cluster.
import fc from 'fast-check';
import type { Container, Node, Pod, Toleration } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { type NodeState, unfitMessage, whyNot } from './fits.ts';
import { podRequests } from './requests.ts';
import { best, leastAllocated } from './score.ts';

const container = (cpu?: string, memory?: string, extra: Partial<Container> = {}): Container => ({
  name: 'c',
  resources: { requests: { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) } },
  ...extra,
});
const pod = (spec: Partial<NonNullable<Pod['spec']>> = {}): Pod => ({
  spec: { containers: [container('1', '1Gi')], ...spec },
});

function state(node: Partial<Node> = {}, pods: Pod[] = []): NodeState {
  return {
    pods,
    node: {
      metadata: { name: 'n', labels: { disk: 'ssd', cores: '8' } },
      status: {
        allocatable: { cpu: '4', memory: '8Gi', pods: '3' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
      ...node,
    },
  };
}

describe('whyNot', () => {
  test('has nothing against a pod that fits', () => {
    expect(whyNot(pod(), state())).toEqual([]);
  });

  test('names every resource that is short', () => {
    const greedy = pod({ containers: [container('5', '9Gi')] });
    expect(whyNot(greedy, state())).toEqual(['Insufficient cpu', 'Insufficient memory']);
    expect(
      whyNot(pod({ containers: [{ name: 'c', resources: { requests: { 'gpu.dev/x': '1' } } }] }), state()),
    ).toEqual(['Insufficient gpu.dev/x']);
  });

  test('counts what stands on the node, and the number of pods', () => {
    const standing = [pod({ containers: [container('3500m', '1Gi')] })];
    expect(whyNot(pod(), state({}, standing))).toEqual(['Insufficient cpu']);
    const small = pod({ containers: [{ name: 'c' }] });
    expect(whyNot(small, state({}, [small, small, small]))).toEqual(['Too many pods']);
  });

  test('keeps pods off nodes that are cordoned, not ready or tainted, unless they tolerate it', () => {
    expect(whyNot(pod(), state({ spec: { unschedulable: true } }))).toEqual(['node(s) were unschedulable']);
    expect(whyNot(pod(), state({ status: { allocatable: { cpu: '4', memory: '8Gi' } } }))).toEqual([
      'node(s) had untolerated taint {node.kubernetes.io/not-ready: }',
    ]);
    const tainted = state({ spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } });
    expect(whyNot(pod(), tainted)).toEqual(['node(s) had untolerated taint {gpu: yes}']);
    const tolerating: Toleration[][] = [
      [{ key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }],
      [{ key: 'gpu', operator: 'Exists' }],
      [{ operator: 'Exists' }],
    ];
    for (const tolerations of tolerating) expect(whyNot(pod({ tolerations }), tainted)).toEqual([]);
    const wrong: Toleration[] = [{ key: 'gpu', operator: 'Equal', value: 'no' }];
    expect(whyNot(pod({ tolerations: wrong }), tainted)).toHaveLength(1);
  });

  test.each([
    [{ key: 'disk', operator: 'In', values: ['ssd'] }, true],
    [{ key: 'disk', operator: 'NotIn', values: ['ssd'] }, false],
    [{ key: 'gpu', operator: 'NotIn', values: ['x'] }, true],
    [{ key: 'disk', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists' }, false],
    [{ key: 'gpu', operator: 'DoesNotExist' }, true],
    [{ key: 'cores', operator: 'Gt', values: ['4'] }, true],
    [{ key: 'cores', operator: 'Lt', values: ['4'] }, false],
  ])('affinity %j matches: %s', (requirement, fits) => {
    const nodeSelectorTerms = [{ matchExpressions: [requirement] }];
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
    const reasons = fits ? [] : ["node(s) didn't match Pod's node affinity/selector"];
    expect(whyNot(pod({ affinity }), state())).toEqual(reasons);
  });

  test('does not give one host port twice', () => {
    const holding = pod({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 8080 }] }] });
    expect(whyNot(holding, state({}, [holding]))).toEqual([
      "node(s) didn't have free ports for the requested pod ports",
    ]);
    expect(whyNot(pod(), state({}, [holding]))).toEqual([]);
  });

  test('a pod that fits still fits on the same node with fewer pods', () => {
    const pods = fc.array(
      fc.integer({ min: 0, max: 4000 }).map((milli) => pod({ containers: [container(`${milli}m`, '1Mi')] })),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(pods, ([next, ...standing]) => {
        if (next === undefined || whyNot(next, state({}, standing)).length > 0) return;
        for (let i = 0; i < standing.length; i++) {
          expect(
            whyNot(
              next,
              state(
                {},
                standing.filter((_, j) => j !== i),
              ),
            ),
          ).toEqual([]);
        }
      }),
    );
  });
});

describe('podRequests', () => {
  test('is the larger of the running sum and the peak of the init phase, plus overhead', () => {
    const spec = {
      containers: [container('100m', '10Mi'), container('200m')],
      initContainers: [
        container('50m', '5Mi', { restartPolicy: 'Always' }),
        container('1', undefined),
        container('10m', '1Gi'),
      ],
      overhead: { cpu: '5m' },
    };
    expect(podRequests(pod(spec))).toEqual({ cpu: 1055, memory: 1024 ** 3 + 5 * 1024 ** 2 });
  });
});

describe('unfitMessage', () => {
  test('counts reasons as upstream prints them', () => {
    expect(unfitMessage(1, [['Insufficient cpu']])).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    const reasons = [['node(s) were unschedulable'], ['Insufficient cpu', 'Insufficient memory'], ['Insufficient cpu']];
    expect(unfitMessage(3, reasons)).toBe(
      '0/3 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 2 Insufficient cpu.',
    );
    expect(unfitMessage(0, [])).toBe('no nodes available to schedule pods');
  });
});

describe('best', () => {
  const owned = (uid: string): Pod => ({
    ...pod(),
    metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid, controller: true }] },
  });

  test('prefers the emptier node', () => {
    const [full, empty] = [state({}, [pod(), pod()]), state()];
    expect(leastAllocated(pod(), empty)).toBeGreaterThan(leastAllocated(pod(), full));
    expect(best(pod(), [full, empty], () => 0)).toBe(empty);
  });

  test('spreads the pods of one controller over nodes', () => {
    const [sibling, stranger] = [state({}, [owned('a')]), state({}, [owned('b')])];
    expect(best(owned('a'), [sibling, stranger], () => 0)).toBe(stranger);
  });
});
