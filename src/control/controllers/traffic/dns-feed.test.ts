// Names as objects come, change and go, against the real API server.
// The DNS server is a list of what was published.
import type { Namespace, Pod, Service } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { DnsPart, DnsUpdate } from '#traffic/model/dns/ir-dns.ts';
import { startWorld, type World } from '../testing/world.ts';
import { DnsFeed } from './dns-feed.ts';

let world: World;
let feed: DnsFeed;
const parts = new Map<string, DnsPart>();

beforeEach(async () => {
  parts.clear();
  world = await startWorld({ only: ['endpointslice', 'scheduler'] });
  const publish = (update: DnsUpdate): void => {
    for (const [part, names] of update) {
      if (names === undefined) parts.delete(part);
      else parts.set(part, names);
    }
  };
  feed = new DnsFeed({
    informers: world.informers,
    sink: { publish },
    domain: 'cluster.local',
    podNames: true,
    clock: systemClock,
    log: silentLogger,
  });
  await feed.start();
});
afterEach(async () => {
  feed.stop();
  await world.close();
});

/** Publishes what is known by now, so that nothing has to be waited for but the API. */
const addresses = (part: string, owner: string): string[] => {
  feed.flush();
  return (parts.get(part)?.get(owner) ?? []).flatMap((record) => ('address' in record ? [record.address] : []));
};

test('a headless Service is the pods that are ready, and nothing once it is gone', async () => {
  const OWNER = 'db.default.svc.cluster.local';
  await world.client.create<Service>(builtin('Service'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db', namespace: 'default' },
    spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] },
  });
  await world.client.create<Pod>(builtin('Pod'), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'db-0', namespace: 'default', labels: { app: 'db' } },
    spec: { containers: [{ name: 'db', image: 'db' }], hostname: 'db-0', subdomain: 'db' },
  });
  const [address = ''] = await world.until(() => {
    const found = addresses('service/default/db', OWNER);
    return found.length > 0 && found;
  });
  expect(addresses('service/default/db', `db-0.${OWNER}`)).toEqual([address]);
  expect(addresses('pod/default/db-0', `${address.replaceAll('.', '-')}.default.pod.cluster.local`)).toEqual([address]);
  world.kubelet.ready = () => false;
  world.kubelet.look();
  await world.until(() => addresses('service/default/db', OWNER).length === 0);
  await world.client.delete(builtin('Service'), 'db', 'default');
  await world.until(() => {
    feed.flush();
    return !parts.has('service/default/db');
  });
});

test('a namespace is a name from the moment it is there', async () => {
  await world.client.create<Namespace>(builtin('Namespace'), {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  });
  await world.until(() => {
    feed.flush();
    return parts.get('namespace/shop')?.has('shop.svc.cluster.local');
  });
});
