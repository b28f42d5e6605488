// `evenkeel top` beside a running cluster: what it prints for a pipe, and how it fails.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterRow } from '#app/top/rows.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { evenkeel, evenkeelBinary, start } from '#test/support/run.ts';

let cluster: TestCluster;
beforeAll(async () => {
  const input = echoManifests({ name: 'echo', namespace: 'seen', replicas: 2, host: 'seen.test' });
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

interface Row extends ClusterRow {
  readonly replicas?: { readonly wanted: number; readonly ready: number };
}

test('shows the rate of a Service under load, its pods and its replicas', async () => {
  const load = start(evenkeelBinary, ['load', cluster.http, '--host', 'seen.test', '--rate', '50', '--duration', '1m']);
  try {
    await eventually('the rate is seen', async () => {
      const { stdout, stderr } = await evenkeel(['top', '--data', cluster.data, '-n', 'seen', '-o', 'json']);
      expect(stderr).toBe('');
      const [row] = JSON.parse(stdout) as Row[];
      expect(row).toMatchObject({ name: 'seen/echo/http', errorRate: 0, usable: 2, endpoints: 2, troubles: [] });
      expect(row?.replicas).toMatchObject({ wanted: 2, ready: 2 });
      expect(row?.rate).toBeGreaterThan(20);
      expect(row?.p99).toBeGreaterThan(0);
      expect(row?.pods.map(({ name }) => name.split('-')[0])).toEqual(['seen/echo', 'seen/echo']);
    });
  } finally {
    load.child.kill('SIGINT');
    await load.finished;
  }
}, 60_000);

test('prints a table for a pipe, of all namespaces', async () => {
  const { code, stdout } = await evenkeel(['top', '--data', cluster.data, '--interval', '100ms']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^SERVICE +REQ\/S +CONN\/S +ERR +P50 +P99 +FLIGHT +READY +HPA +NOTES\n/);
  expect(stdout).toContain('kube-system/kube-dns/dns');
}, 30_000);

test.each([
  [
    ['--admin', 'http://127.0.0.1:1'],
    1,
    /No gateway answers at http:\/\/127\.0\.0\.1:1: .*name its admin page with --admin/,
  ],
  [['--admin', 'ftp://x'], 2, /"ftp:\/\/x" is no http URL.*Give --admin/],
  [['--data', '/tmp/nothing-is-here'], 1, /No cluster runs on "\/tmp\/nothing-is-here".*evenkeel up/],
])(
  '%j fails with words that help',
  async (args, code, words) => {
    const found = await evenkeel(['top', '--once', ...args]);
    expect([found.code, found.stderr.replaceAll('\n', ' ')]).toEqual([code, expect.stringMatching(words)]);
  },
  30_000,
);

test('a namespace without Services is named', async () => {
  const { code, stderr } = await evenkeel([
    'top',
    '--data',
    cluster.data,
    '--once',
    '--interval',
    '100ms',
    '-n',
    'nope',
  ]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('no Service of namespace "nope"')]);
}, 30_000);
