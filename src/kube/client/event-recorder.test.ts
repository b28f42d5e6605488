// The recorder against the real API server: what people see in `kubectl get events`.
// Time is moved by hand.
import type { ConfigMap, Event } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { Client } from './client.ts';
import { createEventRecorder, type EventRecorder } from './events.ts';
import { createClient } from './rest-client.ts';

const EVENTS = builtin('Event');

let server: TestServer;
let client: Client;
let clock: FakeClock;
let recorder: EventRecorder;
let object: ConfigMap;

beforeEach(async () => {
  server = await startTestServer();
  client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  clock = new FakeClock();
  recorder = createEventRecorder(client, { component: 'tester', host: 'node-1', clock, log: silentLogger });
  const metadata = { name: 'a', namespace: 'default' };
  object = await client.create<ConfigMap>(builtin('ConfigMap'), { apiVersion: 'v1', kind: 'ConfigMap', metadata });
});
afterEach(async () => {
  await client.close();
  await server.close();
});

async function events(): Promise<Event[]> {
  await recorder.flush();
  const { items } = await client.list<Event>(EVENTS, { namespace: 'default' });
  return items.filter((event) => event.involvedObject.kind === 'ConfigMap');
}

test('an event names what it is about, and a repetition only counts up', async () => {
  recorder.event(object, 'Warning', 'Odd', 'Something is odd');
  clock.advance(5_000);
  recorder.event(object, 'Warning', 'Odd', 'Something is odd');
  recorder.as('other').event(object, 'Warning', 'Odd', 'Something is odd');
  const [first, second, ...rest] = await events();
  expect(rest).toEqual([]);
  expect(first).toMatchObject({
    type: 'Warning',
    reason: 'Odd',
    message: 'Something is odd',
    count: 2,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:05Z',
    source: { component: 'tester', host: 'node-1' },
    involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'default', uid: object.metadata?.uid },
  });
  expect(second).toMatchObject({ count: 1, source: { component: 'other' } });
});

test('two recorders that note something about one object in the same millisecond are both heard', async () => {
  const other = createEventRecorder(client, { component: 'other', clock, log: silentLogger });
  recorder.event(object, 'Normal', 'Scheduled', 'It has a place');
  other.event(object, 'Normal', 'Pulled', 'It is here');
  await other.flush();
  expect((await events()).map(({ reason }) => reason).sort()).toEqual(['Pulled', 'Scheduled']);
});

test('an event that has expired meanwhile is written again, with the count it has reached', async () => {
  recorder.event(object, 'Normal', 'Fine', 'All is well');
  const [event] = await events();
  await client.delete(EVENTS, event?.metadata.name ?? '', 'default');
  recorder.event(object, 'Normal', 'Fine', 'All is well');
  expect(await events()).toMatchObject([{ count: 2, message: 'All is well' }]);
});

test('what cannot be written is given up without harm to what comes next', async () => {
  const elsewhere = { ...object, metadata: { ...object.metadata, namespace: 'nowhere' } };
  recorder.event(elsewhere, 'Normal', 'Lost', 'Nobody will read this');
  recorder.event(object, 'Normal', 'Fine', 'All is well');
  expect(await events()).toMatchObject([{ reason: 'Fine' }]);
});
