// Where pods go and what people read when they go nowhere: `evenkeel scheduler` beside an API server, asked by kubectl.
// Nodes are objects made through the API; no kubelet runs.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';
import { evenkeelBinary, type Running, run, start } from '#test/support/run.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

const found = await findKubectl('current');
const whenKubectl = 'missing' in found ? test.skip : test;
if ('missing' in found) console.warn(`Skipped: ${found.missing}`);

const NODES = ['a1', 'a2', 'b1', 'b2'];
let data: TempDir;
let api: Running;
let scheduler: Running;
let kubectl: Kubectl;

beforeAll(async () => {
  if ('missing' in found) return;
  data = tempDir('scheduling');
  api = start(evenkeelBinary, ['apiserver', '--data', data.path, '--api-port', '0']);
  await eventually('the API server prints its address', () => {
    if (!api.output().stdout.includes('export KUBECONFIG=')) throw new Error(JSON.stringify(api.output()));
  });
  const kubeconfig = join(data.path, 'kubeconfig');
  const home = join(data.path, 'home');
  mkdirSync(home);
  kubectl = kubectlFor(found.path, kubeconfig, home);
  scheduler = start(evenkeelBinary, ['scheduler', '--kubeconfig', kubeconfig]);
  await eventually('the scheduler says that it runs', () => {
    if (!scheduler.output().stdout.includes('Scheduling pods')) throw new Error(JSON.stringify(scheduler.output()));
  });
  for (const name of NODES) {
    const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': name.charAt(0) };
    const allocatable = { cpu: '2', memory: '4Gi', pods: '10' };
    const conditions = [{ type: 'Ready', status: 'True' }];
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
    await kubectl(['create', '-f', '-'], JSON.stringify(node));
    const status = { status: { allocatable, capacity: allocatable, conditions } };
    await kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', JSON.stringify(status)]);
  }
}, 120_000);

afterAll(async () => {
  scheduler?.child.kill('SIGINT');
  await scheduler?.finished;
  api?.child.kill('SIGINT');
  await api?.finished;
  data?.remove();
}, 30_000);

function podText(name: string, spec: object, labels: Record<string, string> = {}): string {
  const containers = [{ name: 'c', image: 'web', resources: { requests: { cpu: '1' } } }];
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { containers, terminationGracePeriodSeconds: 0, ...spec },
  });
}

const nodeOf = (name: string): Promise<string> => kubectl(['get', 'pod', name, '-o', 'jsonpath={.spec.nodeName}']);

async function bound(name: string): Promise<string> {
  return eventually(`${name} has a node`, async () => {
    const node = await nodeOf(name);
    if (node === '') throw new Error(await kubectl(['describe', 'pod', name]));
    return node;
  });
}

whenKubectl(
  'pods that spread go to both zones, and the one too many is told why',
  async () => {
    const labels = { app: 'spread' };
    const topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: labels },
      },
    ];
    for (const name of ['s1', 's2'])
      await kubectl(['create', '-f', '-'], podText(name, { topologySpreadConstraints }, labels));
    const zones = [await bound('s1'), await bound('s2')].map((node) => node.charAt(0));
    expect(zones.sort()).toEqual(['a', 'b']);

    const affinity = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: labels } },
        ],
      },
    };
    await kubectl(['taint', 'node', 'b1', 'gpu=yes:NoSchedule']);
    await kubectl(['create', '-f', '-'], podText('lonely', { affinity }));
    await eventually('kubectl describe says why', async () => {
      expect(await kubectl(['describe', 'pod', 'lonely'])).toContain(
        "0/4 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 3 node(s) didn't match pod anti-affinity rules.",
      );
    });
    await kubectl(['taint', 'node', 'b1', 'gpu-']);
    await kubectl(['delete', 'pod', 's1', 's2', '--force', '--grace-period=0']);
    await bound('lonely');
    await kubectl(['delete', 'pod', 'lonely', '--force', '--grace-period=0']);
  },
  90_000,
);

whenKubectl(
  'kubectl cordon keeps pods away until uncordon',
  async () => {
    await kubectl(['cordon', ...NODES]);
    await kubectl(['create', '-f', '-'], podText('patient', {}));
    await eventually('it is told', async () => {
      expect(await kubectl(['get', 'events', '--field-selector=reason=FailedScheduling'])).toContain(
        '0/4 nodes are available: 4 node(s) were unschedulable. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
      );
    });
    await kubectl(['uncordon', 'b2']);
    expect(await bound('patient')).toBe('b2');
    await kubectl(['uncordon', ...NODES]);
    await kubectl(['delete', 'pod', 'patient', '--force', '--grace-period=0']);
  },
  90_000,
);

whenKubectl(
  'a pod of a higher class takes the place of a lower one',
  async () => {
    await kubectl(['create', 'priorityclass', 'low', '--value=1']);
    await kubectl(['create', 'priorityclass', 'high', '--value=1000']);
    const containers = [{ name: 'c', image: 'web', resources: { requests: { cpu: '2' } } }];
    const nodeSelector = { 'kubernetes.io/hostname': 'a1' };
    await kubectl(['create', '-f', '-'], podText('low', { containers, nodeSelector, priorityClassName: 'low' }));
    await bound('low');
    await kubectl(['create', '-f', '-'], podText('high', { containers, nodeSelector, priorityClassName: 'high' }));
    await eventually('the victim is told', async () => {
      expect(await kubectl(['get', 'events', '--field-selector=reason=Preempted'])).toMatch(
        /pod\/low +Preempted by pod \S+ on node a1/,
      );
    });
    // No kubelet ends it here.
    await kubectl(['delete', 'pod', 'low', '--force', '--grace-period=0', '--ignore-not-found']);
    expect(await bound('high')).toBe('a1');
  },
  90_000,
);

test('a cluster that cannot be reached, and a file that is not there, end it with what helps', async () => {
  const missing = await run(evenkeelBinary, ['scheduler', '--kubeconfig', '/nonexistent/config']);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('No kubeconfig at "/nonexistent/config"');
  const wrong = await run(evenkeelBinary, ['scheduler', '--kubeconfg', 'x']);
  expect(wrong.code).toBe(2);
});
