// Pods that nobody will end: on nodes that are gone, and finished ones beyond counting.
// The controller's time is moved by hand.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import { createInformers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { FakeClock, systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { startControllers } from '../manager.ts';
import { addNode } from '../testing/kubelet-player.ts';
import { surplus } from './index.ts';

const PODS = builtin('Pod');

test('surplus picks the oldest finished pods beyond the limit', () => {
  const pod = (name: string, phase: string, day: number): Pod => ({
    metadata: { name, creationTimestamp: new Date(Date.UTC(2026, 0, day)).toISOString() },
    status: { phase },
  });
  const pods = [
    pod('new', 'Succeeded', 3),
    pod('old', 'Failed', 1),
    pod('mid', 'Failed', 2),
    pod('running', 'Running', 1),
  ];
  expect(surplus(pods, 1).map(({ metadata }) => metadata?.name)).toEqual(['old', 'mid']);
  expect(surplus(pods, 3)).toEqual([]);
});

test('a pod goes when its node has been missing for 40 s, and stays while the node is there', async () => {
  const server = await startTestServer();
  const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  const informers = createInformers(client, { clock: systemClock, log: silentLogger });
  await addNode(client, 'node-1');
  await addNode(client, 'node-2');
  for (const [name, nodeName] of [
    ['kept', 'node-1'],
    ['lost', 'node-2'],
  ] as const) {
    const spec = { nodeName, containers: [{ name: 'c', image: 'web' }] };
    await client.create<Pod>(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec });
  }
  await client.delete(builtin('Node'), 'node-2');
  const clock = new FakeClock();
  const running = await startControllers({ client, informers, clock, log: silentLogger, only: ['pod-gc'] });

  const isGone = async (name: string): Promise<boolean> => {
    try {
      await client.get(PODS, name, 'default');
      return false;
    } catch (error) {
      if (isStatus(error, 404)) return true;
      throw error;
    }
  };
  while (!(await isGone('lost'))) clock.advance(1_000);
  expect(clock.now()).toBeGreaterThanOrEqual(40_000);
  expect(await isGone('kept')).toBe(false);
  await running.stop();
  await informers.stop();
  await client.close();
  await server.close();
});
