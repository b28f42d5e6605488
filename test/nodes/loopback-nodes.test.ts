// Three nodes on the loopback device, for who has no privileges: pods on each, Services between them, a death, and the end.
import { readdirSync, readFileSync } from 'node:fs';
import type { Node } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { echoManifests } from '../support/manifests.ts';
import { podsOf, settled } from '../support/pods.ts';
import { evenkeelBinary, mustRun } from '../support/run.ts';

const namespace = 'side-by-side';
const host = 'echo.test';
let cluster: TestCluster;

beforeAll(async () => {
  const input = echoManifests({ name: 'echo', namespace, replicas: 6, host });
  cluster = await startCluster(['-'], { input, args: ['--network', 'loopback', '--nodes', '3'] });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 60_000);

const readiness = async (name: string): Promise<string | undefined> =>
  (await cluster.get<Node & KubeObject>('Node', name)).status?.conditions?.find(({ type }) => type === 'Ready')?.status;

test('each node has pods with addresses of its own part, and the gateway reaches them', async () => {
  const pods = await settled(cluster, 'echo', 6, namespace);
  const parts = new Map(pods.map(({ spec, status }) => [spec?.nodeName, status?.podIP?.split('.').at(-1)]));
  expect([...parts.keys()].toSorted()).toEqual(['node-1', 'node-2', 'node-3']);
  for (const { status } of pods) expect((await ask(`http://${status?.podIP}:8080/`)).status).toBe(200);
  expect((await ask(cluster.http, { host })).status).toBe(200);
}, 60_000);

test('one that is killed is missed, its pods are made anew elsewhere, and it may come back', async () => {
  await mustRun(evenkeelBinary, ['node', 'kill', 'node-3', '--data', cluster.data]);
  await eventually('it is missed', async () => expect(await readiness('node-3')).toBe('Unknown'), 60_000);
  await eventually(
    'its pods run elsewhere',
    async () => {
      const pods = (await podsOf(cluster, 'echo', namespace)).filter(({ spec }) => spec?.nodeName !== 'node-3');
      expect(pods.filter(({ status }) => status?.phase === 'Running')).toHaveLength(6);
    },
    90_000,
  );
  expect((await ask(cluster.http, { host })).status).toBe(200);
  await mustRun(evenkeelBinary, ['node', 'start', 'node-3', '--data', cluster.data]);
  await eventually('it is back', async () => expect(await readiness('node-3')).toBe('True'), 60_000);
}, 180_000);

test('Ctrl-C ends all of them', async () => {
  expect((await cluster.stop()).code).toBe(0);
  const left = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(cluster.data);
    } catch {
      // Ended while we looked.
      return false;
    }
  });
  expect(left).toEqual([]);
}, 60_000);
