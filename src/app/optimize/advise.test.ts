// What is proposed from which figures, and the patch that it makes.
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { advise } from './advise.ts';
import type { BackendFacts, ContainerFacts, WorkloadFacts } from './facts.ts';
import { patchOf } from './patch.ts';

const MI = 2 ** 20;
const ten = (value: number): number[] => Array<number>(10).fill(value);

function container(more: Partial<ContainerFacts> = {}): ContainerFacts {
  return {
    name: 'main',
    requests: { cpu: 115, memory: 120 * MI },
    limits: { memory: 150 * MI },
    cpu: ten(100),
    memory: ten(100 * MI),
    ...more,
  };
}

/** A workload with which everything is all right. */
function workload(more: Partial<WorkloadFacts> = {}): WorkloadFacts {
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', selector: { app: 'web' } },
    ...{ replicas: ten(2), wanted: 2, budget: true, containers: [container()] },
    ...more,
  };
}

const autoscaler = { name: 'web', minReplicas: 2, maxReplicas: 4 };
const pods = (...means: readonly number[]) =>
  means.map((meanMs, i) => ({ name: `shop/web-${i}`, requests: 100, meanMs }));
const uneven = (...requests: readonly number[]) =>
  requests.map((count, i) => ({ name: `shop/web-${i}`, requests: count, meanMs: 10 }));
const timeout = (text: string, ms: number) => ({ text, ms });
/** A Service whose requests take up to 0.4 s. */
const backend = (more: Partial<BackendFacts> = {}): BackendFacts => ({
  ...{ service: 'web', requests: 300, p99: [...Array<number>(9).fill(0.1), 0.4], pods: pods(10, 11, 12) },
  ...more,
});
const traffic = (rates: readonly number[]) => ({ rates });

test('nothing is proposed where nothing is wrong, or too little was seen', () => {
  expect(advise(workload())).toEqual([]);
  expect(advise(workload({ replicas: [2, 2], budget: false, containers: [container({ requests: {} })] }))).toEqual([]);
});

const rows: [what: string, workload: WorkloadFacts, field: string, from: string, to: string, evidence: RegExp][] = [
  [
    'no CPU request',
    workload({ containers: [container({ requests: { memory: 120 * MI } })] }),
    'main: resources.requests.cpu',
    '',
    '115m',
    /^10 looks: 100m in half of them, at most 100m in 95 %$/,
  ],
  [
    'a CPU request that is far too high',
    workload({ containers: [container({ requests: { cpu: 1000, memory: 120 * MI } })] }),
    'main: resources.requests.cpu',
    '1000m',
    '115m',
    /100m/,
  ],
  [
    'a memory request below what is used',
    workload({ containers: [container({ requests: { cpu: 115, memory: 50 * MI } })] }),
    'main: resources.requests.memory',
    '50Mi',
    '120Mi',
    /at most 100Mi/,
  ],
  [
    'no memory limit',
    workload({ containers: [container({ limits: {} })] }),
    'main: resources.limits.memory',
    '',
    '150Mi',
    /one leak takes the node/,
  ],
  [
    'a memory limit that is nearly reached',
    workload({ containers: [container({ limits: { memory: 105 * MI } })] }),
    'main: resources.limits.memory',
    '105Mi',
    '150Mi',
    /close to being killed/,
  ],
  [
    'a CPU limit that holds it down',
    workload({ containers: [container({ limits: { cpu: 105, memory: 150 * MI } })] }),
    'main: resources.limits.cpu',
    '105m',
    '210m',
    /its limit holds it down/,
  ],
  [
    'an autoscaler at its maximum',
    workload({ autoscaler, replicas: [...ten(4), ...ten(2)] }),
    'HorizontalPodAutoscaler web: maxReplicas',
    '4',
    '8',
    /at its maximum in 50 % of 20 looks/,
  ],
  [
    'an autoscaler that may go down to one',
    workload({ autoscaler: { ...autoscaler, minReplicas: 1 }, traffic: traffic(ten(5)) }),
    'HorizontalPodAutoscaler web: minReplicas',
    '1',
    '2',
    /its node's end is an outage/,
  ],
  [
    'traffic that varies, and replicas that do not',
    workload({ wanted: 4, replicas: ten(4), traffic: traffic([...ten(10), ...ten(100)]) }),
    'HorizontalPodAutoscaler',
    '',
    '2 to 12 at 70 % CPU',
    /10\.0 to 100\.0 requests a second/,
  ],
  [
    'two pods and no budget',
    workload({ budget: false }),
    'PodDisruptionBudget',
    '',
    'maxUnavailable 1',
    /2 pods or more all the time/,
  ],
  [
    'a pod that gets far more than its share by a hash',
    workload({
      backends: [backend({ policy: 'ip_hash', pods: uneven(900, 100, 100, 100), requestTimeout: timeout('2s', 2000) })],
      replicas: ten(4),
    }),
    'Service web: evenkeel.dev/balancing-policy',
    'ip_hash',
    'least_request',
    /shop\/web-0 gets 75 % of 1200 requests, and 25 % would be its share of 4 pods/,
  ],
  [
    'a slow pod that a blind policy gives as much as the others',
    workload({
      backends: [backend({ policy: 'round_robin', pods: pods(10, 11, 80), requestTimeout: timeout('2s', 2000) })],
    }),
    'Service web: evenkeel.dev/balancing-policy',
    'round_robin',
    'peak_ewma',
    /^shop\/web-2 takes 80 ms a request and half of its pods at most 11 ms, and it gets 33 % of 300 requests/,
  ],
  [
    'no time-out',
    workload({ backends: [backend()] }),
    'Service web: evenkeel.dev/request-timeout',
    '',
    '2s',
    /^99 % of 300 requests took at most 400 ms at the worst of 10 looks, and nothing ends one that hangs$/,
  ],
  [
    'a time-out that cuts off what would come',
    workload({ backends: [backend({ requestTimeout: timeout('300ms', 300) })] }),
    'Service web: evenkeel.dev/request-timeout',
    '300ms',
    '2s',
    /it cuts off what would come/,
  ],
];

test.each(rows)('%s', (_, facts, field, from, to, evidence) => {
  const advice = advise(facts);
  expect(advice.map((one) => [one.field, one.from, one.to])).toEqual([[field, from, to]]);
  expect(advice[0]?.evidence).toMatch(evidence);
});

test.each<[string, Partial<WorkloadFacts>]>([
  [
    'a DaemonSet gets neither autoscaler nor budget',
    { kind: 'DaemonSet', budget: false, traffic: traffic([...ten(1), ...ten(99)]) },
  ],
  [
    'pods that are as fast as each other, and a time-out with room, are left alone',
    { backends: [backend({ policy: 'round_robin', requestTimeout: timeout('1s', 1000) })] },
  ],
  [
    'a policy that goes by latency is left alone',
    { backends: [backend({ policy: 'peak_ewma', pods: pods(10, 80), requestTimeout: timeout('1s', 1000) })] },
  ],
  [
    'shares are not compared while pods come and go',
    {
      backends: [backend({ policy: 'ip_hash', pods: uneven(900, 100), requestTimeout: timeout('1s', 1000) })],
      replicas: [...ten(2), ...ten(3)],
    },
  ],
  [
    'a hash that spreads well is left alone',
    { backends: [backend({ policy: 'maglev', pods: uneven(300, 250), requestTimeout: timeout('1s', 1000) })] },
  ],
  ['what takes longer than people wait gets no time-out', { backends: [backend({ p99: ten(30) })] }],
  ['a few requests say nothing', { backends: [backend({ requests: 20, policy: 'random', pods: [] })] }],
  ['steady traffic gets no autoscaler', { traffic: traffic(ten(100)) }],
  ['one pod gets no budget, which would keep its node from draining', { budget: false, replicas: ten(1), wanted: 1 }],
  ['an autoscaler whose bounds are one is left alone', { autoscaler: { ...autoscaler, maxReplicas: 2 } }],
])('%s', (_, more) => {
  expect(advise(workload(more))).toEqual([]);
});

describe('the patch', () => {
  const facts = workload({
    budget: false,
    traffic: traffic([...ten(10), ...ten(100)]),
    containers: [container({ requests: {} }), container({ name: 'side', limits: {} })],
  });
  const patch = patchOf(advise(facts));

  test('holds what changes and nothing else, one document an object', () => {
    expect(parseAllDocuments(patch).map((document) => document.toJS())).toEqual([
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'shop' },
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'main', resources: { requests: { cpu: '115m', memory: '120Mi' } } },
                { name: 'side', resources: { limits: { memory: '150Mi' } } },
              ],
            },
          },
        },
      },
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'web', namespace: 'shop' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          minReplicas: 2,
          maxReplicas: 6,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
          ],
        },
      },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
      },
    ]);
  });

  test('has the evidence above each line', () => {
    expect(patch).toMatch(/# 10 looks: 100m in half of them, at most 100m in 95 %\n +cpu: 115m\n/);
    expect(patch).toMatch(/# 10 looks: at most 100Mi; without a limit one leak takes the node\n +memory: 150Mi\n/);
    expect(patch).toMatch(/# 2 pods or more all the time.*\n+apiVersion: policy\/v1/);
  });

  test('of settings is of the Service, with the evidence above each', () => {
    const settings = patchOf(advise(workload({ backends: [backend({ policy: 'random', pods: pods(10, 80) })] })));
    expect(parseAllDocuments(settings).map((document) => document.toJS())).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: 'web',
          namespace: 'shop',
          annotations: { 'evenkeel.dev/balancing-policy': 'peak_ewma', 'evenkeel.dev/request-timeout': '2s' },
        },
      },
    ]);
    expect(settings).toMatch(/# shop\/web-1 takes 80 ms.*\n +evenkeel.dev\/balancing-policy: peak_ewma\n/);
  });

  test('of nothing is empty', () => {
    expect(patchOf([])).toBe('');
  });
});
