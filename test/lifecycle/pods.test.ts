// Pods in trouble, as people and the gateway see it: failing liveness, crashes, nobody there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { podsOf, scale, settled } from '#test/support/pods.ts';

const namespace = 'lifecycle';
let cluster: TestCluster;
beforeAll(async () => {
  const input = [
    echoManifests({
      name: 'alive',
      namespace,
      host: 'alive.test',
      container: {
        livenessProbe: { httpGet: { path: '/livez', port: 'http' }, periodSeconds: 1, failureThreshold: 2 },
      },
    }),
    echoManifests({ name: 'empty', namespace, host: 'empty.test', replicas: 0 }),
  ].join('');
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

test('a pod whose liveness probe fails is started again, and serves again', async () => {
  const [pod] = await settled(cluster, 'alive', 1, namespace);
  const id = pod?.status?.containerStatuses?.[0]?.containerID;
  await ask(`http://${pod?.status?.podIP}:8080/live?value=false`, { method: 'POST' });
  await eventually('the container has been replaced', async () => {
    const [now] = await podsOf(cluster, 'alive', namespace);
    const status = now?.status?.containerStatuses?.[0];
    expect(status).toMatchObject({ restartCount: 1, ready: true });
    expect(status?.containerID).not.toBe(id);
  });
  await eventually('the gateway reaches it again', async () => {
    expect((await ask(cluster.http, { host: 'alive.test' })).status).toBe(200);
  });
});

test('a container that crashes at once goes into CrashLoopBackOff, and its exit code is told', async () => {
  const input = echoManifests({
    name: 'crash',
    namespace,
    container: { command: ['node', '-e', 'process.exit(3)'] },
  });
  await cluster.apply(input);
  await eventually('the pod waits in CrashLoopBackOff', async () => {
    const [pod] = await podsOf(cluster, 'crash', namespace);
    expect(pod?.status?.containerStatuses?.[0]).toMatchObject({
      ready: false,
      state: { waiting: { reason: 'CrashLoopBackOff', message: expect.stringContaining('back-off 10s') } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
  });
});

test('a Service without endpoints answers 503, and with one it serves', async () => {
  const { status, text } = await ask(cluster.http, { host: 'empty.test' });
  expect(status).toBe(503);
  expect(text).not.toBe('');
  await scale(cluster, 'empty', 1, namespace);
  await settled(cluster, 'empty', 1, namespace);
  await eventually('the gateway has learned of the pod', async () => {
    expect((await ask(cluster.http, { host: 'empty.test' })).status).toBe(200);
  });
  await scale(cluster, 'empty', 0, namespace);
  await settled(cluster, 'empty', 0, namespace);
  expect((await ask(cluster.http, { host: 'empty.test' })).status).toBe(503);
});
