// The informer of Kubernetes' JavaScript client beside a server that is killed, restarted and compacted under it.
// Knows what a program with an informer sees: its cache, and the events that it was told.
import { join } from 'node:path';
import * as k8s from '@kubernetes/client-node';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import { afterAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import { openSqliteStore } from '#kube/store/sqlite/index.ts';
import { systemClock } from '#lib/clock.ts';
import { startTestApiServer, type TestApiServer } from '#test/support/api-server.ts';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { freePort } from '#test/support/tools.ts';

const OBJECTS = 10_000;
const WRITERS = 64;
const PATIENCE_MS = 60_000;
const NAMESPACE = 'default';
const maps = builtin('ConfigMap');

type Stored = ConfigMap & KubeObject;
/** Resource versions by name. */
type Versions = ReadonlyMap<string, string>;

const data = tempDir('informer');
const port = await freePort();
const STORE = join(data.path, 'store.db');
let server: TestApiServer;

const startServer = async (): Promise<void> => {
  // The port that was given last counts: the client knows one address.
  server = await startTestApiServer(data.path, { args: ['--api-port', String(port)] });
};

/** What a program makes of the events alone; throws at one that cannot be. */
class Told {
  readonly versions = new Map<string, string>();
  readonly wrong: string[] = [];

  follow(informer: k8s.Informer<k8s.V1ConfigMap>): void {
    informer.on('add', (object) => this.#set('add', object, false));
    informer.on('update', (object) => this.#set('update', object, true));
    informer.on('delete', ({ metadata }) => {
      if (!this.versions.delete(metadata?.name ?? '')) this.wrong.push(`delete of ${metadata?.name}, which was gone`);
    });
  }

  #set(verb: string, { metadata }: k8s.V1ConfigMap, known: boolean): void {
    const { name = '', resourceVersion = '' } = metadata ?? {};
    const before = this.versions.get(name);
    if ((before !== undefined) !== known) this.wrong.push(`${verb} of ${name}, which was ${before ?? 'not there'}`);
    // Versions are numbers for us, and grow.
    if (before !== undefined && BigInt(before) >= BigInt(resourceVersion)) {
      this.wrong.push(`${verb} of ${name}: ${resourceVersion} after ${before}`);
    }
    this.versions.set(name, resourceVersion);
  }
}

async function each(count: number, work: (number: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: WRITERS }, lane));
}

const write = (number: number, value: string): Promise<unknown> =>
  server.client.patch<Stored>(
    maps,
    `map-${number}`,
    NAMESPACE,
    'apply',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `map-${number}`, namespace: NAMESPACE }, data: { value } },
    { fieldManager: 'writer', force: true },
  );

/** Also where an earlier round that was cut short has removed it. */
async function remove(number: number): Promise<void> {
  try {
    await server.client.delete(maps, `map-${number}`, NAMESPACE);
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
  }
}

async function stored(): Promise<Versions> {
  const { items } = await server.client.list<Stored>(maps, { namespace: NAMESPACE });
  return new Map(items.map(({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? '']));
}

/** Changes, removals and additions in one go, all of them to be seen. */
async function stir(round: string): Promise<void> {
  await each(300, async (number) => {
    if (number % 3 === 0) await remove(number);
    else await write(number, round);
  });
  await each(100, async (number) => await write(3 * number, `${round} again`));
}

afterAll(async () => {
  await server?.stop('SIGKILL');
  data.remove();
});

test('an informer of 10,000 objects sees all, through kills, restarts and compactions', {
  timeout: 240_000,
}, async () => {
  await startServer();
  await each(OBJECTS, async (number) => await write(number, 'first'));

  const config = new k8s.KubeConfig();
  config.loadFromFile(join(data.path, 'kubeconfig'));
  const api = config.makeApiClient(k8s.CoreV1Api);
  const informer = new k8s.ListWatch(
    `/api/v1/namespaces/${NAMESPACE}/configmaps`,
    new k8s.Watch(config),
    () => api.listNamespacedConfigMap({ namespace: NAMESPACE }),
    false,
  );
  const told = new Told();
  told.follow(informer);
  let away = false;
  let failures = 0;
  // As the client's own example does it: whoever is told of an error starts anew.
  informer.on('error', () => {
    failures++;
    if (!away) setTimeout(() => void informer.start(), 200);
  });
  const seesAll = async (what: string): Promise<void> => {
    const expected = await stored();
    const cached = (): Versions =>
      new Map(informer.list().map(({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? '']));
    await eventually(what, () => expect(cached()).toEqual(expected), PATIENCE_MS);
    expect(told.wrong).toEqual([]);
    expect(told.versions).toEqual(expected);
  };

  await informer.start();
  await seesAll('the informer has the first objects');
  expect(informer.list().length).toBeGreaterThanOrEqual(OBJECTS);
  await stir('while it watches');
  await seesAll('it follows what changes');

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const before = failures;
    const writes = stir(signal).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.stop(signal);
    await writes;
    if (signal === 'SIGKILL')
      await eventually('it is told', () => expect(failures).toBeGreaterThan(before), PATIENCE_MS);
    await startServer();
    await stir(`after ${signal}`);
    await seesAll(`nothing is missed after ${signal}`);
  }

  // What it saw last is compacted away before it can come back.
  away = true;
  const before = failures;
  await server.stop('SIGKILL');
  await eventually('it is away', () => expect(failures).toBeGreaterThan(before), PATIENCE_MS);
  await startServer();
  await stir('before the compaction');
  await server.stop();
  const store = openSqliteStore(STORE, { clock: systemClock });
  await store.compact(store.revision());
  await store.close();
  await startServer();
  await stir('after the compaction');
  const place = informer.latestResourceVersion();
  const question = `/api/v1/namespaces/${NAMESPACE}/configmaps?watch=true&resourceVersion=${place}`;
  expect(await server.client.raw('GET', question)).toMatchObject({ type: 'ERROR', object: { reason: 'Expired' } });
  away = false;
  await informer.start();
  await seesAll('it begins anew where its place in the history is gone');
  away = true;
  await informer.stop();
});
