// From no pod to the first and back: requests that come while there is none are answered by it, and none is lost.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Event } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

const namespace = 'zero';
const host = 'zero.local';

/** First requests at once. */
const BURST = 200;

const more = `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: ${namespace} }
spec:
  ingressClassName: evenkeel
  rules:
    - host: ${host}
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: ${namespace} }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 0
  maxReplicas: 3
  metrics:
    - type: Object
      object:
        describedObject: { apiVersion: v1, kind: Service, name: web }
        metric: { name: http_requests_in_flight }
        target: { type: AverageValue, averageValue: "20" }
  behavior: { scaleDown: { stabilizationWindowSeconds: 2 } }
`;

let cluster: TestCluster;
let directory: TempDir;
beforeAll(async () => {
  directory = tempDir('zero');
  const input = echoManifests({ name: 'web', namespace }) + more;
  const accessLog = join(directory.path, 'access.log');
  cluster = await startCluster(['-'], { input, args: ['--access-log', accessLog, '--network', 'loopback'] });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
  directory?.remove();
}, 30_000);

async function scaledTo(replicas: number): Promise<void> {
  await eventually(`there are ${replicas} replicas`, async () => {
    const { spec, status } = await cluster.get<Deployment>('Deployment', 'web', namespace);
    expect({ wanted: spec?.replicas, there: status?.replicas ?? 0 }).toEqual({ wanted: replicas, there: replicas });
  });
}

const conditions = async (): Promise<Record<string, string>> => {
  const { status } = await cluster.get<HorizontalPodAutoscaler>('HorizontalPodAutoscaler', 'web', namespace);
  return Object.fromEntries((status?.conditions ?? []).map(({ type, status: is }) => [type, is]));
};

test('with nothing to do there is no pod, and the first requests wait for one', async () => {
  await scaledTo(0);
  // The autoscaler writes down what it has done after it has done it.
  await eventually('the autoscaler says that it took the last one', async () => {
    expect(await conditions()).toMatchObject({ ScaledToZero: 'True', AbleToScale: 'True' });
  });

  const answers = await Promise.all(
    Array.from({ length: BURST }, (_, index) =>
      ask(`${cluster.http}/${index}`, { host, method: 'POST', body: { index } }),
    ),
  );
  expect(answers.map(({ status, text }) => (status === 200 ? 200 : text))).toEqual(answers.map(() => 200));
  // Its conditions may say the next thing already: the pod goes again two seconds later.
  await eventually('the autoscaler says that it brought it', async () => {
    const events = await cluster.list<Event & KubeObject>('Event', namespace);
    const sizes = events.filter(({ reason }) => reason === 'SuccessfulRescale').map(({ message }) => message);
    expect(sizes).toContainEqual(expect.stringMatching(/^New size: [1-3]; reason: external metric/));
  });
  const metrics = await (await fetch(`${cluster.admin}/metrics`)).text();
  const released = [...metrics.matchAll(/^evenkeel_held_requests_total\{.*outcome="(\w+)"\} (\d+)$/gm)];
  expect(released.map(([, outcome]) => outcome)).toEqual(['released']);
  const waited = Number(released[0]?.[2]);
  // On a busy machine the last ones come when the pod is there.
  expect(waited).toBeGreaterThan(0);

  // Alone again, it goes once more.
  await scaledTo(0);
  const lines = await eventually('the access log is written', () => {
    const all = readFileSync(join(directory.path, 'access.log'), 'utf8').trim().split('\n');
    expect(all.length).toBeGreaterThanOrEqual(BURST);
    return all.map((line) => JSON.parse(line) as { status: number; heldMs?: number });
  });
  expect(lines.filter(({ heldMs = 0 }) => heldMs > 0)).toHaveLength(waited);
}, 90_000);
