// `evenkeel optimize` on a running cluster and on a real Prometheus that watched it: what it proposes can be applied.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, kubectlFor } from '#test/support/kubectl.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { evenkeel, evenkeelBinary, mustRun, type Running, start } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';

interface Line {
  readonly workload: { readonly name: string };
  readonly field: string;
  readonly to: string;
  readonly evidence: string;
}

let cluster: TestCluster;
beforeAll(async () => {
  const apps = [
    { name: 'echo', namespace: 'seen', replicas: 2, host: 'seen.test' },
    { name: 'echo', namespace: 'past', replicas: 2, host: 'past.test' },
  ];
  cluster = await startCluster(['-'], { input: apps.map(echoManifests).join('\n---\n') });
  const annotations = { 'evenkeel.dev/balancing-policy': 'ip_hash' };
  for (const { name, namespace } of apps) {
    await cluster.client.patch(builtin('Service'), name, namespace, 'merge', { metadata: { annotations } });
  }
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

/** One client, whose address leads all of its requests to one pod. */
const load = (host: string, seconds: number): Promise<unknown> =>
  evenkeel(['load', `${cluster.http}/`, '--host', host, '--rate', '40', '--duration', `${seconds}s`]);

/** What a Service's own traffic says: one pod has all of it, and nothing ends a request that hangs. */
function expectSettings(lines: readonly Line[]): void {
  const of = (field: string): Line | undefined => lines.find((line) => line.field === `Service echo: ${field}`);
  expect(of('evenkeel.dev/balancing-policy')).toMatchObject({
    to: 'least_request',
    evidence: expect.stringMatching(
      /^(seen|past)\/echo-\S+ gets 100 % of \d+ requests, and 50 % would be its share of 2 pods/,
    ),
  });
  expect(of('evenkeel.dev/request-timeout')).toMatchObject({
    evidence: expect.stringMatching(/99 % of \d+ requests took at most .* looks, and nothing ends one that hangs/),
  });
}

/** Kubelets measure every few seconds: long enough for several of their looks. */
const window = ['-n', 'seen', '--window', '15s', '--interval', '1s'];

test('a look at the cluster proposes requests, limits and a budget, and the patch applies', async (context) => {
  const args = ['optimize', '--data', cluster.data, ...window];
  const { stdout: yaml, stderr } = await evenkeel([...args, '-o', 'yaml']);
  expect(stderr).toBe('');
  expect(yaml).toContain('kind: PodDisruptionBudget');
  const patch = join(cluster.data, 'better.yaml');
  writeFileSync(patch, yaml);
  const found = await findKubectl('current');
  if ('missing' in found) return context.skip(found.missing);
  await kubectlFor(
    found.path,
    cluster.kubeconfig,
    cluster.data,
  )(['apply', '--server-side', '--force-conflicts', '-f', patch]);
  const { spec } = await cluster.get<Deployment & KubeObject>('Deployment', 'echo', 'seen');
  const { requests, limits } = spec?.template.spec?.containers[0]?.resources ?? {};
  expect([requests?.cpu, requests?.memory, limits?.memory]).toEqual([
    expect.stringMatching(/^\d+m$/),
    expect.stringMatching(/^\d+Mi$/),
    expect.stringMatching(/^\d+Mi$/),
  ]);
}, 60_000);

test('a look at the gateway proposes a policy and a time-out', async () => {
  const args = ['optimize', '--data', cluster.data, ...window, '-o', 'json'];
  const [{ stdout }] = await Promise.all([evenkeel(args), load('seen.test', 17)]);
  expectSettings(JSON.parse(stdout) as Line[]);
}, 60_000);

test('a namespace without workloads is named', async () => {
  const { code, stderr } = await evenkeel([
    'optimize',
    '--data',
    cluster.data,
    '-n',
    'nope',
    '--window',
    '1s',
    '--interval',
    '1s',
  ]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('There are no workloads in namespace "nope"')]);
}, 30_000);

test('a Prometheus that is not there is named', async () => {
  const { code, stderr } = await evenkeel(['optimize', '--data', cluster.data, '--prometheus', 'http://127.0.0.1:1']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('No Prometheus answers at http://127.0.0.1:1')]);
}, 30_000);

describe.runIf(hasTool('prometheus', 'that advice is made of the past'))('with a Prometheus', () => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-optimize-'));
  let prometheus: Running;
  let url = '';
  beforeAll(async () => {
    await mustRun(evenkeelBinary, ['monitoring', directory, '--data', cluster.data, '--scrape-interval', '1s']);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const at = [`--storage.tsdb.path=${directory}/tsdb`, `--web.listen-address=127.0.0.1:${port}`];
    prometheus = start('prometheus', [`--config.file=${directory}/prometheus.yml`, ...at]);
  });
  afterAll(async () => {
    prometheus?.child.kill('SIGTERM');
    await prometheus?.finished;
    rmSync(directory, { recursive: true });
  });

  test('the past is as good as a look', async () => {
    const args = [
      'optimize',
      '--data',
      cluster.data,
      '--prometheus',
      url,
      '-n',
      'past',
      '--window',
      '30s',
      '--interval',
      '1s',
    ];
    const traffic = load('past.test', 30);
    await eventually(
      'there is enough of a past',
      async () => {
        const { stdout, stderr } = await evenkeel([...args, '-o', 'json']);
        expect(stderr).toBe('');
        const lines = JSON.parse(stdout) as Line[];
        expect(
          lines.some(({ field, evidence }) => /memory|cpu|Budget/.test(field) && /looks|pods/.test(evidence)),
        ).toBe(true);
        expectSettings(lines);
      },
      40_000,
    );
    await traffic;
  }, 90_000);
});
