// `load --report` beside a cluster that changes: replicas and events stand on the time of the run.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plot } from '#app/load/page/plots.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { evenkeelBinary, start } from '#test/support/run.ts';

let cluster: TestCluster;
beforeAll(async () => {
  const input = echoManifests({ name: 'echo', namespace: 'seen', replicas: 1, host: 'seen.test' });
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

test('a Deployment that is scaled meanwhile is drawn from one to three, with the event that says so', async () => {
  const file = join(cluster.data, 'out.html');
  const args = ['--host', 'seen.test', '--rate', '40', '--duration', '6s', '--report', file, '--data', cluster.data];
  const load = start(evenkeelBinary, ['load', cluster.http, ...args]);
  await eventually('requests arrive', async () => {
    expect(await (await fetch(`${cluster.admin}/metrics`)).text()).toMatch(/^evenkeel_upstream_requests_total.*2xx/m);
  });
  const scaled = echoManifests({ name: 'echo', namespace: 'seen', replicas: 3, host: 'seen.test' });
  await cluster.apply(scaled);
  const { code, stdout } = await load.finished;
  expect([code, stdout]).toEqual([0, expect.stringContaining(`Report: ${file}`)]);
  const html = readFileSync(file, 'utf8');
  const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  const plots = JSON.parse(json) as Plot[];
  const replicas = plots.find(({ id }) => id === 'replicas');
  const wanted = replicas?.lines.find(({ label }) => label === 'seen/echo, wanted')?.values ?? [];
  const ready = replicas?.lines.find(({ label }) => label === 'seen/echo')?.values ?? [];
  expect([wanted.at(-1), ready.at(-1)]).toEqual([3, 3]);
  expect(replicas?.times).toEqual(replicas?.times.toSorted((a, b) => a - b));
  expect(html).toContain('Scaled up replica set');
  const answered = plots.find(({ id }) => id === 'pods')?.lines ?? [];
  expect(answered).toHaveLength(3);
}, 60_000);

test('a cluster that does not answer costs the run nothing, and the page says why', async () => {
  const kubeconfig = join(cluster.data, 'dead-kubeconfig');
  const text = readFileSync(cluster.kubeconfig, 'utf8').replace(/https:\/\/127\.0\.0\.1:\d+/, 'https://127.0.0.1:1');
  writeFileSync(kubeconfig, text);
  const file = join(cluster.data, 'alone.html');
  const args = [
    '--host',
    'seen.test',
    '--rate',
    '20',
    '--duration',
    '1s',
    '--report',
    file,
    '--kubeconfig',
    kubeconfig,
  ];
  const { code } = await start(evenkeelBinary, ['load', cluster.http, ...args]).finished;
  expect(code).toBe(0);
  expect(readFileSync(file, 'utf8')).toContain(
    'Replicas and events are not shown: the API server did not answer in time.',
  );
}, 30_000);
