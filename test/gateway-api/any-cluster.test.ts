// Gateways of a cluster that is not ours: definitions, a class and a pool are applied, and one of two gateways serves.
// Knows the CLI from the outside; the cluster is an API server with controllers, and no node.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { eventually } from '../support/eventually.ts';
import { ownNumber } from '../support/own-number.ts';
import { evenkeelBinary, mustRun, type Running, run, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { type HttpApp, httpApp } from './http-app.ts';
import { answers, conditionOf, gateway, httpRoute, serviceOf } from './kit.ts';

let data: TempDir;
let api: Running;
let client: Client;
let app: HttpApp;
let kubeconfig: string;
const copies: Running[] = [];
const net = `127.173.${ownNumber()}`;

const says = (running: Running, text: string): Promise<void> =>
  eventually(`"${text}" is said`, async () => {
    const { stdout, stderr } = running.output();
    if (!stdout.includes(text)) throw new Error(`${stdout}\n${stderr}`);
  });

const QUICK = [
  ...['--leader-elect-lease-duration', '3s', '--leader-elect-renew-deadline', '2s'],
  ...['--leader-elect-retry-period', '500ms'],
];

function copy(): Running {
  const running = start(evenkeelBinary, [
    'gateway',
    '--kubeconfig',
    kubeconfig,
    '--admin-port',
    '0',
    '--workers',
    '1',
    ...QUICK,
  ]);
  copies.push(running);
  return running;
}

const apply = (input: string): Promise<string> =>
  mustRun(evenkeelBinary, ['apply', '-', '--kubeconfig', kubeconfig], { input });

beforeAll(async () => {
  data = tempDir('any-gateway');
  app = await httpApp('a');
  api = start(evenkeelBinary, ['apiserver', '--controllers', '--data', data.path, '--api-port', '0']);
  await says(api, 'export KUBECONFIG=');
  kubeconfig = join(data.path, 'kubeconfig');
  client = createClient(loadKubeconfig(kubeconfig));
}, 60_000);

afterAll(async () => {
  for (const { child } of copies) child.kill('SIGKILL');
  await Promise.all(copies.map(({ finished }) => finished));
  await client?.close();
  api?.child.kill('SIGINT');
  await api?.finished;
  app?.close();
  data?.remove();
}, 60_000);

test('one gateway serves what is applied, before it runs and after, and another follows when it is killed', async () => {
  const first = copy();
  await says(first, 'Serving Gateways.');
  await apply(await mustRun(evenkeelBinary, ['crds']));
  await apply(`
apiVersion: evenkeel.dev/v1alpha1
kind: AddressPool
metadata: { name: gateways }
spec: { addresses: ["${net}.1-${net}.9"] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: evenkeel }
spec: { controllerName: evenkeel.dev/gateway-controller }
${serviceOf('web', app.port)}${gateway('shop', '{ name: http, protocol: HTTP, port: 8080 }')}${httpRoute('web', '{ name: shop }', '[{ backendRefs: [{ name: web, port: 80 }] }]')}`);
  const url = await eventually('the Gateway is programmed', async () => {
    const { status } = await client.get<Gateway>(gatewayResource('Gateway'), 'shop', 'default');
    if (conditionOf(status?.conditions, 'Programmed')?.status !== 'True') throw new Error(JSON.stringify(status));
    return `http://${status?.addresses?.[0]?.value}:8080/`;
  });
  expect(url).toContain(net);
  await answers(url, 200);
  const second = copy();
  await says(second, 'Waiting: ');
  first.child.kill('SIGKILL');
  await says(second, 'Serving Gateways.');
  await answers(url, 200);
  second.child.kill('SIGTERM');
  expect((await second.finished).code).toBe(0);
}, 120_000);

test('a Gateway says when the machine has no such address', async () => {
  await apply(`
apiVersion: evenkeel.dev/v1alpha1
kind: AddressPool
metadata: { name: elsewhere }
spec: { addresses: [192.0.2.7/32], autoAssign: false }
${gateway('far', '{ name: http, protocol: HTTP, port: 8080 }', ', addresses: [{ value: 192.0.2.7 }]')}`);
  await says(copy(), 'Serving Gateways.');
  await eventually('it is told', async () => {
    const { status } = await client.get<Gateway>(gatewayResource('Gateway'), 'far', 'default');
    const programmed = conditionOf(status?.conditions, 'Programmed');
    expect(programmed).toMatchObject({ status: 'False', reason: 'AddressNotUsable' });
    expect(programmed?.message).toContain('--interface');
  });
}, 60_000);

test('a configuration and a cluster at once are refused, and so is neither', async () => {
  for (const args of [[], ['--config', 'a.yaml', '--cluster']]) {
    const { code, stderr } = await run(evenkeelBinary, ['gateway', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain('Give --config FILE, or --cluster');
  }
});
