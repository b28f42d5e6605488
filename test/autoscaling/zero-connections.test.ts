// From no pod to the first by connections to a ClusterIP, past the gateway: each of them reaches the pod that it brought.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { echoManifests } from '#test/support/manifests.ts';

const namespace = 'zero';
/** First connections at once. */
const BURST = 200;
/** One that everybody may listen at. */
const PORT = 8089;

const more = `
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: ${namespace} }
spec: { selector: { app.kubernetes.io/name: web }, ports: [{ name: raw, port: ${PORT}, targetPort: http, appProtocol: tcp }] }
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
        describedObject: { apiVersion: v1, kind: Service, name: db }
        metric: { name: tcp_connections }
        target: { type: AverageValue, averageValue: "100" }
  behavior: { scaleDown: { stabilizationWindowSeconds: 2 } }
`;

let cluster: TestCluster;
beforeAll(async () => {
  const input = echoManifests({ name: 'web', namespace }) + more;
  cluster = await startCluster(['-'], { input, args: ['--network', 'loopback'] });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

async function scaledTo(wanted: number): Promise<void> {
  await eventually(`there are ${wanted} replicas`, async () => {
    const { spec, status } = await cluster.get<Deployment>('Deployment', 'web', namespace);
    expect([spec?.replicas, status?.replicas ?? 0]).toEqual([wanted, wanted]);
  });
}

/** All that is said to whoever says this at once; half-closed afterwards, as `nc -N` does it. */
async function exchange(host: string, said: string): Promise<string> {
  const socket = connect({ host, port: PORT, allowHalfOpen: true });
  socket.end(said);
  return await text(socket);
}

test('connections to a Service without a pod wait for the first one, and none is lost', async () => {
  const { spec } = await cluster.get<Service>('Service', 'db', namespace);
  const address = spec?.clusterIP ?? '';
  await scaledTo(0);
  const request = (index: number): string => `GET /${index} HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n`;
  const answers = await Promise.all(Array.from({ length: BURST }, (_, index) => exchange(address, request(index))));
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  const metrics = await (await fetch(`${cluster.admin}/metrics`)).text();
  const ended = [
    ...metrics.matchAll(/^evenkeel_held_requests_total\{cluster="zero\/db\/raw",outcome="(\w+)"\} (\d+)$/gm),
  ];
  expect(ended.map(([, outcome]) => outcome)).toEqual(['released']);
  expect(Number(ended[0]?.[2])).toBeGreaterThan(0);
  // Alone again, it goes once more.
  await scaledTo(0);
}, 90_000);
