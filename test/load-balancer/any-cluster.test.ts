// `evenkeel controllers --only ipam` at an API server that knows nothing of it: definitions, addresses, and a second copy.
// The processes and the API server are real.
import { join } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { eventually } from '../support/eventually.ts';
import { evenkeelBinary, mustRun, type Running, run, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

/** Long enough for a machine that stalls, short enough to wait for. */
const TIMES = [
  '--leader-elect-lease-duration=8s',
  '--leader-elect-renew-deadline=6s',
  '--leader-elect-retry-period=500ms',
];
let data: TempDir;
let kubeconfig: string;
let client: Client;
let api: Running;
const copies: Running[] = [];

function copy(...more: string[]): Running {
  const args = ['controllers', '--only', 'ipam', '--kubeconfig', kubeconfig, ...TIMES, ...more];
  const started = start(evenkeelBinary, args);
  copies.push(started);
  return started;
}

function says(process: Running, text: string): Promise<void> {
  return eventually(
    `it says "${text}"`,
    () => {
      if (!process.output().stdout.includes(text)) throw new Error(JSON.stringify(process.output()));
    },
    60_000,
  );
}

function addService(name: string): Promise<Service & KubeObject> {
  return client.create(builtin('Service'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  });
}

async function addressOf(name: string): Promise<string | undefined> {
  const { status } = await client.get<Service & KubeObject>(builtin('Service'), name, 'default');
  return status?.loadBalancer?.ingress?.[0]?.ip;
}

function hasAddress(name: string): Promise<string> {
  return eventually(
    `${name} has an address`,
    async () => {
      const address = await addressOf(name);
      if (address === undefined) throw new Error('It has none');
      return address;
    },
    60_000,
  );
}

beforeAll(async () => {
  data = tempDir('ipam');
  api = start(evenkeelBinary, ['apiserver', '--data', data.path, '--api-port', '0']);
  await says(api, 'export KUBECONFIG=');
  kubeconfig = join(data.path, 'kubeconfig');
  client = createClient(loadKubeconfig(kubeconfig));
}, 120_000);

afterAll(async () => {
  for (const { child } of copies) child.kill('SIGKILL');
  await Promise.all(copies.map(({ finished }) => finished));
  await client?.close();
  api?.child.kill('SIGINT');
  await api?.finished;
  data?.remove();
}, 60_000);

test('definitions may come while it runs; who follows one that was killed gives nothing twice', async () => {
  const first = copy();
  await says(first, 'Working: ipam.');
  await addService('early');
  const crds = await mustRun(evenkeelBinary, ['crds']);
  await mustRun(evenkeelBinary, ['apply', '-', '--kubeconfig', kubeconfig], { input: crds });
  const pool =
    'apiVersion: evenkeel.dev/v1alpha1\nkind: AddressPool\nmetadata: {name: a}\nspec: {addresses: [192.0.2.0/28]}\n';
  await mustRun(evenkeelBinary, ['apply', '-', '--kubeconfig', kubeconfig], { input: pool });
  const given = [await hasAddress('early')];
  const second = copy();
  await says(second, 'Waiting: ');
  first.child.kill('SIGKILL');
  await Promise.all(['a', 'b', 'c'].map(addService));
  await says(second, 'Working: ipam.');
  for (const name of ['a', 'b', 'c']) given.push(await hasAddress(name));
  expect(new Set(given).size).toBe(4);
  expect(await addressOf('early')).toBe(given[0]);
}, 180_000);

test('a name that no controller has is refused', async () => {
  const { code, stderr } = await run(evenkeelBinary, ['controllers', '--only', 'ipan']);
  expect(code).toBe(2);
  expect(stderr).toContain('No controller is named "ipan"');
  expect(stderr).toContain('ipam');
});
