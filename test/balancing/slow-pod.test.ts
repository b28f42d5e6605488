// One pod of three gets slow: the others take its share, and the fleet stays as fast as it was.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadReport } from '#app/load/report.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
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

test('the default policy sends little to a pod that takes 200 ms, and keeps p95 within twice that of the healthy fleet', async () => {
  const pods = await settled(cluster, 'echo', 3, namespace);
  const [slow] = pods as [PodObject];
  // A machine that stalls for tens of milliseconds makes every pod look loaded; round robin would fail every round.
  let faults: string[] = [];
  for (let round = 0; round < 3; round++) {
    await setLatency(slow, 5);
    // A pod that was slow is trusted again little by little.
    const healthy = await eventually('an even balance', async () => {
      const report = await load();
      for (const pod of pods) expect(shareOf(report, pod), `share of ${nameOf(pod)}`).toBeGreaterThan(0.2);
      return report;
    });
    await setLatency(slow, 200);
    const uneven = await load();
    for (const { requests, ok, errors } of [healthy, uneven])
      expect({ ok, errors }).toEqual({ ok: requests, errors: {} });
    expect(uneven.perPodLatencyMs[`${namespace}/${nameOf(slow)}`]?.p50).toBeGreaterThan(150);
    faults = faultsOf(healthy, uneven, slow);
    if (faults.length === 0) break;
  }
  expect(faults).toEqual([]);
}, 240_000);

/** What stands against an even balance, in words that name the figures. */
function faultsOf(healthy: LoadReport, uneven: LoadReport, slow: PodObject): string[] {
  const faults: string[] = [];
  // With 5 ms against 200 ms a fair share of the work is one in eighty; a third would be round robin.
  if (shareOf(uneven, slow) >= 0.05) faults.push(`The slow pod got ${shareOf(uneven, slow)} of the requests`);
  // A busy machine adds to both; ten milliseconds are its allowance.
  if (uneven.latencyMs.p95 > 2 * healthy.latencyMs.p95 + 10) {
    faults.push(`p95 is ${uneven.latencyMs.p95} ms, and ${healthy.latencyMs.p95} ms when all are healthy`);
  }
  return faults;
}

async function setLatency(pod: PodObject, ms: number): Promise<void> {
  await ask(`http://${pod.status?.podIP}:8080/knobs?latencyMs=${ms}`, { method: 'POST' });
}

function shareOf(report: LoadReport, pod: PodObject): number {
  return (report.perPod[`${namespace}/${nameOf(pod)}`] ?? 0) / report.requests;
}
