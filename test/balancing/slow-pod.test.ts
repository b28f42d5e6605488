// One pod of three gets slow: the others take its share, and the fleet stays as fast as it was.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadReport } from '#app/load/report.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { nameOf, type PodObject, settled } from '#test/support/pods.ts';
import { evenkeel } from '#test/support/run.ts';

const namespace = 'balancing';
const host = 'echo.test';
let cluster: TestCluster;
beforeAll(async () => {
  const input = echoManifests({ name: 'echo', namespace, replicas: 3, host, env: { ECHO_LATENCY_MS: '5' } });
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

async function load(): Promise<LoadReport> {
  const { stdout, stderr } = await evenkeel([
    'load',
    cluster.http,
    '--host',
    host,
    '--rate',
    '500',
    '--duration',
    '4s',
    '--json',
  ]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as LoadReport;
}

test('least_request sends little to a pod that takes 200 ms, and keeps p95 within twice that of the healthy fleet', async () => {
  const pods = await settled(cluster, 'echo', 3, namespace);
  const healthy = await load();
  expect(healthy).toMatchObject({ ok: healthy.requests, errors: {} });
  for (const pod of pods) expect(shareOf(healthy, pod)).toBeGreaterThan(0.2);

  const [slow, ...fast] = pods as [PodObject, ...PodObject[]];
  await ask(`http://${slow.status?.podIP}:8080/knobs?latencyMs=200`, { method: 'POST' });
  // A machine that stalls for tens of milliseconds makes every pod look loaded, and round robin would fail every try.
  let uneven = await load();
  for (let retry = 0; retry < 2 && !evenlyFast(uneven, healthy); retry++) uneven = await load();
  expect(uneven).toMatchObject({ ok: uneven.requests, errors: {} });
  // With 5 ms against 200 ms a fair share of the work is one in eighty; a third would be round robin.
  expect(shareOf(uneven, slow)).toBeLessThan(0.05);
  for (const pod of fast) expect(shareOf(uneven, pod)).toBeGreaterThan(0.4);
  expect(uneven.perPodLatencyMs[`${namespace}/${nameOf(slow)}`]?.p50).toBeGreaterThan(150);
  expect(evenlyFast(uneven, healthy), `p95 ${uneven.latencyMs.p95} against ${healthy.latencyMs.p95}`).toBe(true);
}, 60_000);

/** A busy machine adds to both; ten milliseconds are its allowance. */
function evenlyFast(uneven: LoadReport, healthy: LoadReport): boolean {
  return uneven.latencyMs.p95 <= 2 * healthy.latencyMs.p95 + 10;
}

function shareOf(report: LoadReport, pod: PodObject): number {
  return (report.perPod[`${namespace}/${nameOf(pod)}`] ?? 0) / report.requests;
}
