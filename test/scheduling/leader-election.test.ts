// Several copies of `evenkeel scheduler` and `evenkeel controllers`: one works, and another takes over when it ends.
// The processes and the API server are real; nodes are objects made through the API.
import { join } from 'node:path';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { eventually } from '#test/support/eventually.ts';
import { evenkeelBinary, type Running, run, start } from '#test/support/run.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

// Long enough for a machine that stalls, short enough to wait for.
const TIMES = [
  '--leader-elect-lease-duration=8s',
  '--leader-elect-renew-deadline=6s',
  '--leader-elect-retry-period=500ms',
];
let data: TempDir;
let kubeconfig: string;
let client: Client;
let api: Running;
const copies: Running[] = [];

const copy = (command: string): Running => {
  const started = start(evenkeelBinary, [command, '--kubeconfig', kubeconfig, ...TIMES]);
  copies.push(started);
  return started;
};
const says = (process: Running, text: string): Promise<void> =>
  eventually(
    `it says "${text}"`,
    () => {
      if (!process.output().stdout.includes(text)) throw new Error(JSON.stringify(process.output()));
    },
    60_000,
  );
const bound = async (name: string): Promise<void> => {
  await client.create<Pod>(builtin('Pod'), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'web' }] },
  });
  await eventually(`${name} has a node`, async () => {
    const { spec } = await client.get<Pod>(builtin('Pod'), name, 'default');
    expect(spec?.nodeName).toBe('a1');
  });
};

beforeAll(async () => {
  data = tempDir('leader-election');
  api = start(evenkeelBinary, ['apiserver', '--data', data.path, '--api-port', '0']);
  await says(api, 'export KUBECONFIG=');
  kubeconfig = join(data.path, 'kubeconfig');
  client = createClient(loadKubeconfig(kubeconfig));
  const metadata = { name: 'a1' };
  await client.create<Node>(builtin('Node'), { apiVersion: 'v1', kind: 'Node', metadata });
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { allocatable: { cpu: '2', memory: '4Gi', pods: '10' }, conditions };
  await client.patch(builtin('Node'), 'a1', undefined, 'merge', { status }, { subresource: 'status' });
}, 120_000);

afterAll(async () => {
  for (const { child } of copies) child.kill('SIGKILL');
  await Promise.all(copies.map(({ finished }) => finished));
  await client?.close();
  api?.child.kill('SIGINT');
  await api?.finished;
  data?.remove();
}, 60_000);

test('a scheduler that ends is followed at once, one that is killed when its lease has run out', async () => {
  const first = copy('scheduler');
  await says(first, 'Scheduling pods.');
  const second = copy('scheduler');
  await says(second, 'Waiting: ');
  await bound('one');
  first.child.kill('SIGTERM');
  expect((await first.finished).code).toBe(0);
  await says(second, 'Scheduling pods.');
  await bound('two');
  const third = copy('scheduler');
  await says(third, 'Waiting: ');
  second.child.kill('SIGKILL');
  await second.finished;
  await says(third, 'Scheduling pods.');
  await bound('three');
  third.child.kill('SIGTERM');
  expect((await third.finished).code).toBe(0);
}, 240_000);

test('controllers hold a lease of their own, and one that waits can be ended', async () => {
  const first = copy('controllers');
  await says(first, 'Controllers work.');
  const second = copy('controllers');
  await says(second, 'Waiting: ');
  second.child.kill('SIGTERM');
  expect((await second.finished).code).toBe(0);
  const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } } };
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'web' }] } };
  await client.raw('POST', '/apis/apps/v1/namespaces/default/deployments', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { ...spec, template },
  });
  await eventually('its pods are made', async () => {
    const { items } = await client.list<Pod>(builtin('Pod'), { namespace: 'default', labelSelector: 'app=web' });
    expect(items).toHaveLength(2);
  });
  // Another copy has taken the lease: this one may not go on.
  const lease = { name: 'kube-controller-manager', namespace: 'kube-system' };
  await client.patch(builtin('Lease'), lease.name, lease.namespace, 'merge', { spec: { holderIdentity: 'x' } });
  const { code, stderr } = await first.finished;
  expect(code).toBe(1);
  expect(stderr).toContain('The lease of the leader election was lost');
}, 240_000);

test('times that do not fit are refused, and say which', async () => {
  const { code, stderr } = await run(evenkeelBinary, ['scheduler', '--leader-elect-renew-deadline', '20s']);
  expect(code).toBe(2);
  expect(stderr).toContain('the lease duration must be greater than the renew deadline');
}, 60_000);
