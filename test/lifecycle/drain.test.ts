// Pods that end the rude way, at the first SIGTERM and without any preStop, lose nobody's request.
// Everything is asked through the gateway, as users do.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { underLoad } from '#test/support/load.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { nameOf, podsOf, restart, rolledOut, scale, settled } from '#test/support/pods.ts';

const namespace = 'rude';

/** Answers after 80 ms, and has no handler for SIGTERM: Node.js ends on the spot, whatever is under way. */
const RUDE = `
  let live = true;
  require('node:http').createServer((request, response) => {
    if (request.url === '/sicken') live = false;
    if (request.url === '/livez') { response.statusCode = live ? 200 : 500; response.end(); return; }
    request.resume();
    request.on('end', () => setTimeout(() => response.end('ok'), 80));
  }).listen(8080);`;

let cluster: TestCluster;
beforeAll(async () => {
  const container = {
    command: ['node', '-e', RUDE],
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: '/livez', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
  };
  const input = [
    echoManifests({ name: 'rude', namespace, host: 'rude.test', replicas: 3, graceSeconds: 30, container }),
    // It waits for its successor for half of its grace; on a busy machine that one may take long.
    echoManifests({ name: 'single', namespace, host: 'single.test', replicas: 1, graceSeconds: 60, container }),
  ].join('');
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

describe('under load, without any preStop', () => {
  test.each(['GET', 'POST'])(
    'a rolling restart loses no %s',
    async (method) => {
      const report = await underLoad(
        { url: cluster.http, host: 'rude.test', rate: 200, args: ['--method', method] },
        async () => {
          await restart(cluster, 'rude', namespace);
          await rolledOut(cluster, 'rude', namespace);
        },
      );
      expect(report.errors).toEqual({});
    },
    120_000,
  );

  test('scaling from 6 to 2 loses nothing', async () => {
    await scale(cluster, 'rude', 6, namespace);
    await settled(cluster, 'rude', 6, namespace);
    const report = await underLoad({ url: cluster.http, host: 'rude.test', rate: 200 }, async () => {
      await scale(cluster, 'rude', 2, namespace);
      await settled(cluster, 'rude', 2, namespace);
    });
    expect(report.errors).toEqual({});
  }, 120_000);

  test('a restart because of a failing liveness probe loses nothing', async () => {
    await settled(cluster, 'rude', 2, namespace);
    const [pod] = await podsOf(cluster, 'rude', namespace);
    const load = { url: cluster.http, host: 'rude.test', rate: 200, args: ['--method', 'POST'] };
    const report = await underLoad(load, async () => {
      await ask(`http://${pod?.status?.podIP}:8080/sicken`);
      await eventually('the container has been replaced', async () => {
        const pods = await podsOf(cluster, 'rude', namespace);
        const status = pods.find((one) => nameOf(one) === nameOf(pod as never))?.status?.containerStatuses?.[0];
        expect(status).toMatchObject({ restartCount: 1, ready: true });
      });
    });
    expect(report.errors).toEqual({});
  }, 120_000);

  test('the only pod that there is serves until its successor does', async () => {
    const [pod] = await settled(cluster, 'single', 1, namespace);
    const report = await underLoad({ url: cluster.http, host: 'single.test', rate: 100 }, async () => {
      await cluster.client.delete(builtin('Pod'), nameOf(pod as never), namespace);
      await eventually(
        'the successor alone is there',
        async () => {
          const [now] = await settled(cluster, 'single', 1, namespace);
          expect(nameOf(now as never)).not.toBe(nameOf(pod as never));
        },
        60_000,
      );
    });
    expect(report.errors).toEqual({});
  }, 120_000);
});
