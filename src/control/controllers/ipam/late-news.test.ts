// News that comes out of order: a Service is heard of before the namespace that it is in.
// The API server is real; one watch is held back.
import type { Namespace, Service } from 'kubernetes-types/core/v1.js';
import { expect, test, vi } from 'vitest';
import { loadBalancerDefinitions, loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { AddressPool } from '#kube/api/load-balancer/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { startControllers } from '../manager.ts';

const PATIENCE = { timeout: 15_000, interval: 20 };

test('a Service whose namespace is heard of later gets its address then', async () => {
  const server = await startTestServer();
  const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  const gate = Promise.withResolvers<void>();
  const slow: Client = {
    ...client,
    async *watch<T extends KubeObject>(...[ref, options]: Parameters<Client['watch']>) {
      for await (const event of client.watch<T>(ref, options)) {
        if (ref.kind === 'Namespace') await gate.promise;
        yield event;
      }
    },
  };
  const informers = createInformers(slow, { clock: systemClock, log: silentLogger });
  for (const definition of loadBalancerDefinitions)
    await client.create(builtin('CustomResourceDefinition'), definition);
  const allocation = { namespaceSelectors: [{ matchLabels: { team: 'web' } }] };
  const pool: AddressPool = {
    apiVersion: 'evenkeel.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name: 'a' },
    spec: { addresses: ['192.0.2.7/32'], allocation },
  };
  await vi.waitFor(() => client.create<AddressPool>(loadBalancerResource('AddressPool'), pool), PATIENCE);
  const running = await startControllers({ client, informers, only: ['ipam'], log: silentLogger, clock: systemClock });
  try {
    await client.create<Namespace>(builtin('Namespace'), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { team: 'web' } },
    });
    await client.create<Service & KubeObject>(builtin('Service'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    });
    const read = async (): Promise<Service> => client.get<Service & KubeObject>(builtin('Service'), 'web', 'shop');
    await vi.waitFor(async () => {
      expect((await read()).status?.conditions?.[0]?.reason).toBe('NoEligiblePool');
    }, PATIENCE);
    gate.resolve();
    await vi.waitFor(async () => {
      expect((await read()).status?.loadBalancer?.ingress?.[0]?.ip).toBe('192.0.2.7');
    }, PATIENCE);
  } finally {
    gate.resolve();
    await running.stop();
    await informers.stop();
    await client.close();
    await server.close();
  }
}, 60_000);
