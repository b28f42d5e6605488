// The client on the real API server behind a bad network and through restarts: in the end it must know the truth.
// The server and the network are real; the client's clock is moved by hand, so that hours of back-off take no time.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import type { Store } from '#kube/store/store.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { Client } from './client.ts';
import { createInformers, type Informer, type Informers } from './informer.ts';
import { createClient } from './rest-client.ts';
import { HostileLink } from './testing/hostile-link.ts';

const MAPS = builtin('ConfigMap');

let store: Store;
let server: TestServer;
/** Reaches the server directly, to make the truth. */
let direct: Client;
let link: HostileLink;
let clock: FakeClock;
let client: Client;
let informers: Informers;
let informer: Informer<ConfigMap>;

function clientOf(url: string, fake?: FakeClock): Client {
  // Every start of the test server makes a new authority; what is tested here is not trust.
  const config = { server: url, insecureSkipTlsVerify: true, token: server.adminToken };
  return createClient(config, fake === undefined ? {} : { clock: fake, random: () => 0 });
}

beforeEach(async () => {
  store = createMemoryStore();
  server = await startTestServer({ store, withoutRootCa: true });
  direct = clientOf(server.url);
  link = new HostileLink(() => server.port);
  await link.up();
  clock = new FakeClock();
  client = clientOf(`https://127.0.0.1:${link.port}`, clock);
  informers = createInformers(client, { clock, log: silentLogger, random: () => 0 });
  informer = informers.of<ConfigMap>(MAPS, { namespace: 'default' });
  informers.start();
  await informer.synced();
});

afterEach(async () => {
  await informers.stop();
  await client.close();
  await direct.close();
  await link.down();
  await server.close();
  await store.close();
});

async function restart(): Promise<void> {
  await direct.close();
  await server.close();
  server = await startTestServer({ store, withoutRootCa: true });
  direct = clientOf(server.url);
}

async function put(name: string, value: string): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { value } };
  await direct.patch(MAPS, name, 'default', 'apply', object, { fieldManager: 'test', force: true });
}

function remove(name: string): Promise<void> {
  return direct.delete(MAPS, name, 'default');
}

const facts = (maps: readonly ConfigMap[]): string[] =>
  maps.map((map) => `${map.metadata?.name}=${map.data?.value} @${map.metadata?.resourceVersion}`).sort();

/** Lets the network run and the client's time pass until it knows exactly what the server knows. */
async function converge(): Promise<void> {
  const truth = facts((await direct.list<ConfigMap>(MAPS, { namespace: 'default' })).items);
  while (JSON.stringify(facts(informer.list())) !== JSON.stringify(truth)) {
    await nextTurn();
    clock.advance(50);
  }
}

describe('an informer on the real server', () => {
  test('follows what happens', async () => {
    await put('a', '1');
    await put('b', '1');
    await put('a', '2');
    await remove('b');
    await converge();
    expect(facts(informer.list())).toEqual([expect.stringMatching(/^a=2 @/)]);
  });

  test('survives restarts of the server', async () => {
    for (const round of ['1', '2', '3']) {
      await put('a', round);
      await restart();
      await put(`b${round}`, round);
      await converge();
    }
    expect(informer.list()).toHaveLength(4);
  });

  test('survives a server that lost its whole past', async () => {
    for (const name of ['a', 'b', 'c']) await put(name, '1');
    await converge();
    store = createMemoryStore();
    await restart();
    await put('d', '1');
    link.cut();
    await converge();
    expect(facts(informer.list())).toEqual([expect.stringMatching(/^d=1/)]);
  });

  test('lists again after its version was compacted away', async () => {
    await put('a', '1');
    await converge();
    await link.down();
    await put('b', '1');
    await remove('a');
    await store.compact(store.revision());
    await link.up();
    await converge();
    expect(facts(informer.list())).toEqual([expect.stringMatching(/^b=1/)]);
  });

  test('survives connections that are cut inside a TLS record', async () => {
    for (const bytes of [1, 7, 100]) {
      link.cutAfter(bytes);
      await put('a', String(bytes));
      await converge();
    }
  });

  test('leaves a half-open connection behind', async () => {
    // Seen through the watch, which therefore stands.
    await put('a', '1');
    await converge();
    link.freeze();
    await put('a', '2');
    await converge();
    expect(clock.now()).toBeGreaterThanOrEqual(90_000);
  });

  test('knows the truth after any order of writes and faults', async () => {
    const faults = [
      async () => link.cut(),
      async () => link.cutAfter(40),
      async () => link.freeze(),
      async () => store.compact(store.revision()),
      restart,
      async () => {
        await link.down();
        await link.up();
      },
    ];
    // A small generator of our own: the same order in every run, and no order in itself.
    let seed = 42;
    const pick = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let step = 0; step < 60; step++) {
      const name = `m${pick(6)}`;
      if (pick(3) === 0 && informer.get(`default/${name}`) !== undefined)
        await remove(name).catch(() => put(name, 'again'));
      else await put(name, String(step));
      if (pick(3) === 0) await faults[pick(faults.length)]?.();
      if (pick(4) === 0) await converge();
    }
    await converge();
  });
});
