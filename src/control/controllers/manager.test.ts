// Starting and stopping the controllers, and what they do when the server goes away under them.
// The API server is real; nothing here looks inside a controller.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';
import { createInformers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { HostileLink } from '#kube/client/testing/hostile-link.ts';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { isPodReady } from './common/pods.ts';
import { controllers, startControllers } from './manager.ts';
import { addNode, playKubelet } from './testing/kubelet-player.ts';
import { startWorld } from './testing/world.ts';

test('a name that no controller has is refused with the names there are', async () => {
  const client = createClient({ server: 'http://127.0.0.1:1' });
  const informers = createInformers(client, { clock: systemClock, log: silentLogger });
  const start = startControllers({ client, informers, clock: systemClock, log: silentLogger, only: ['deploymnet'] });
  await expect(start).rejects.toThrow(/^No controller is named "deploymnet"; there are: namespace, /);
  await client.close();
});

test('every controller has its own name', () => {
  expect(new Set(controllers.map(({ name }) => name)).size).toBe(controllers.length);
});

test('after a restart nobody writes what already stands', async () => {
  const world = await startWorld();
  const deployments = world.see<Deployment>('Deployment');
  const complete = (name: string): Promise<unknown> =>
    world.until(() =>
      deployments.get(`default/${name}`)?.status?.conditions?.some(({ reason }) => reason === 'NewReplicaSetAvailable'),
    );
  await world.client.create(builtin('Service'), service('web'));
  await world.client.create<Deployment>(builtin('Deployment'), deployment(3));
  await complete('web');
  await world.until(() =>
    world
      .see<EndpointSlice>('EndpointSlice')
      .list('default')
      .some(({ endpoints }) => endpoints?.length === 3),
  );

  const writes: string[] = [];
  await world.restartControllers(recording(world.client, writes));
  // Queues are fair: once work that came later is done, so is everything that the restart brought up.
  await world.client.create<Deployment>(builtin('Deployment'), deployment(1, 'marker'));
  await complete('marker');
  expect(writes.length).toBeGreaterThan(0);
  expect(writes.filter((write) => !write.includes('marker'))).toEqual([]);
  await world.close();
});

test('a rollout goes on where it was when the server comes back', async () => {
  const store = createMemoryStore();
  let server = await startTestServer({ store });
  const link = new HostileLink(() => server.port);
  await link.up();
  const config = { server: `https://127.0.0.1:${link.port}`, insecureSkipTlsVerify: true, token: server.adminToken };
  const client = createClient(config);
  const informers = createInformers(client, { clock: systemClock, log: silentLogger, random: () => 0 });
  await addNode(client, 'node-1');
  const kubelet = playKubelet(client, informers);
  const running = await startControllers({ client, informers, clock: systemClock, log: silentLogger });
  const pods = informers.of<Pod>(builtin('Pod'));
  const ready = (image: string): number =>
    pods.list().filter((pod) => isPodReady(pod) && pod.spec?.containers[0]?.image === image).length;
  const changed = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const stop = pods.onChange(() => {
        if (!holds()) return;
        queueMicrotask(() => stop());
        resolve();
      });
    });

  await client.create<Deployment>(builtin('Deployment'), deployment(4));
  await changed(() => ready('web:1') === 4);
  const moving = changed(() => ready('web:2') > 0);
  await client.patch(builtin('Deployment'), 'web', 'default', 'strategic', {
    spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
  });
  await moving;
  await server.close();
  server = await startTestServer({ store });
  await changed(() => ready('web:2') === 4 && ready('web:1') === 0);
  await running.stop();
  await kubelet.stop();
  await informers.stop();
  await client.close();
  await link.down();
  await server.close();
  await store.close();
});

function deployment(replicas: number, name = 'web'): Deployment {
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: name } }, template },
  };
}

function service(name: string): Service {
  const spec = { selector: { app: name }, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec };
}

/** The same client, noting verb, resource and name of every write but those of events. */
function recording(client: Client, writes: string[]): Client {
  const note = (verb: string, { resource }: ResourceRef, name: string | undefined): void => {
    if (resource !== 'events') writes.push(`${verb} ${resource} ${name}`);
  };
  return {
    ...client,
    create(ref, object, options) {
      note('create', ref, object.metadata?.name ?? object.metadata?.generateName);
      return client.create(ref, object, options);
    },
    update(ref, object, options) {
      note('update', ref, object.metadata?.name);
      return client.update(ref, object, options);
    },
    patch(ref, name, namespace, type, body, options) {
      note('patch', ref, name);
      return client.patch(ref, name, namespace, type, body, options);
    },
    delete(ref, name, namespace, options) {
      note('delete', ref, name);
      return client.delete(ref, name, namespace, options);
    },
  };
}
