// LoadBalancer Services of a real cluster: an address at once, traffic at it from the machine, and its end.
// Knows the CLI, curl and kubectl from the outside.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { AddressPool } from '#kube/api/load-balancer/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { findKubectl, kubectlFor } from '../support/kubectl.ts';
import { echoManifests } from '../support/manifests.ts';
import { evenkeelBinary, mustRun, run } from '../support/run.ts';

function balanced(name: string, port: number, more = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  type: LoadBalancer
  selector: {app.kubernetes.io/name: web}
  ports: [{port: ${port}, targetPort: http}]
${more}`;
}

function addressOf(cluster: TestCluster, name: string, at = 0): Promise<string> {
  return eventually(`Service ${name} has an address`, async () => {
    const { status } = await cluster.get<Service & KubeObject>('Service', name, 'shop');
    const ip = status?.loadBalancer?.ingress?.[at]?.ip;
    if (ip === undefined) throw new Error(JSON.stringify(status));
    return ip;
  });
}

function reaches(url: string, prefix: readonly string[] = []): Promise<void> {
  const [program = '', ...args] = [...prefix, 'curl', '-sS', '--max-time', '5', url];
  return eventually(`${url} answers`, async () => {
    expect(JSON.parse(await mustRun(program, args))).toMatchObject({ method: 'GET' });
  });
}

/** Where many other tests run beside this one, everything takes its time. */
const PATIENT = { timeout: 120_000 };

describe('on the loopback device', PATIENT, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    const manifests = echoManifests({ name: 'web', namespace: 'shop', replicas: 1 });
    cluster = await startCluster(['-'], { input: `${manifests}\n---${balanced('front', 8080)}` });
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 30_000);

  test('a Service answers at the address that kubectl shows, until it goes', async () => {
    const address = await addressOf(cluster, 'front');
    expect(address).toMatch(/^127\.171\.\d+\.1$/);
    const found = await findKubectl('current');
    if ('path' in found) {
      const kubectl = kubectlFor(found.path, cluster.kubeconfig, join(cluster.data));
      const table = await kubectl(['get', 'service', 'front', '-n', 'shop']);
      expect(table).toMatch(new RegExp(`^front +LoadBalancer +\\S+ +${address.replaceAll('.', '\\.')} +8080:`, 'm'));
    } else process.stderr.write(`Left out, because ${found.missing}: the table of kubectl\n`);
    await reaches(`http://${address}:8080/`);
    await mustRun(evenkeelBinary, ['get', 'addresspools', '--data', cluster.data]);
    await cluster.client.delete(builtin('Service'), 'front', 'shop');
    await eventually('nobody listens there any more', async () => {
      const { code } = await run('curl', ['-sS', '--max-time', '5', `http://${address}:8080/`]);
      expect(code).toBe(7);
    });
  });

  test('two Services share an address by their ports, and a third is told why it cannot', async () => {
    const shared = (name: string, port: number): string =>
      balanced(name, port).replace('metadata: {', `metadata: {annotations: {evenkeel.dev/allow-shared-ip: pair}, `);
    await cluster.apply(`${shared('one', 8081)}\n---${shared('two', 8082)}`);
    const address = await addressOf(cluster, 'one');
    expect(await addressOf(cluster, 'two')).toBe(address);
    await reaches(`http://${address}:8081/`);
    await reaches(`http://${address}:8082/`);
    const asks = `metadata: {annotations: {evenkeel.dev/allow-shared-ip: pair, metallb.io/loadBalancerIPs: ${address}}, `;
    await cluster.apply(balanced('three', 8081).replace('metadata: {', asks));
    await eventually('the third is told', async () => {
      const { status } = await cluster.get<Service & KubeObject>('Service', 'three', 'shop');
      const condition = status?.conditions?.find(({ type }) => type === 'evenkeel.dev/AddressAssigned');
      expect(condition).toMatchObject({ status: 'False', reason: 'PortConflict' });
    });
  });

  test('a pool of MetalLB is taken as it is', async () => {
    const range = (await cluster.client.get<AddressPool>(loadBalancerResource('AddressPool'), 'default')).spec
      ?.addresses;
    const net = /^127\.171\.(\d+)\./.exec(range?.[0] ?? '')?.[1];
    await cluster.apply(`
apiVersion: v1
kind: Namespace
metadata: {name: metallb-system}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: theirs, namespace: metallb-system}
spec: {addresses: [127.172.${net}.7/32], autoAssign: false}
---${balanced('theirs', 8083).replace('metadata: {', 'metadata: {annotations: {metallb.universe.tf/address-pool: theirs}, ')}`);
    expect(await addressOf(cluster, 'theirs')).toBe(`127.172.${net}.7`);
    await reaches(`http://127.172.${net}.7:8083/`);
  });
});

describe.runIf(kernelAllows(namespaceObstacle(), 'addresses of LoadBalancer Services on the fabric'))(
  'with namespaces',
  () => {
    test('a Service of both families answers to the machine and to nodes, and nothing is left of its range', async () => {
      const ranges = ownRanges();
      const manifests = echoManifests({ name: 'web', namespace: 'shop', replicas: 1 });
      const cluster = await startCluster(['-'], {
        input: `${manifests}\n---${balanced('front', 80, '  ipFamilyPolicy: PreferDualStack')}`,
        args: ['--network', 'netns', ...ranges.arguments],
      });
      try {
        const address = await addressOf(cluster, 'front');
        expect(address.startsWith(ranges.beginnings[0] ?? '')).toBe(true);
        await reaches(`http://${address}/`);
        const plan = JSON.parse(readFileSync(join(cluster.data, 'fabric.json'), 'utf8')) as { owner: string };
        await reaches(`http://${address}/`, ['ip', 'netns', 'exec', `${plan.owner}-node-1`]);
      } finally {
        await cluster.remove();
      }
      const routes = await mustRun('ip', ['route', 'show', 'table', 'all']);
      expect(routes).not.toContain(`${ranges.beginnings[0]}224`);
    }, 180_000);
  },
);
