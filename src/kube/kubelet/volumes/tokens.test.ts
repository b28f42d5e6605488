// Tokens in the hands of a kubelet: asked for once, renewed in time, kept while the API is away.
// With a real API server; time is moved by hand.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { PodTokens } from './tokens.ts';

const clock = new FakeClock();
const wanted = { audience: '', expirationSeconds: 1000 };
let server: TestServer;
let client: Client;
let tokens: PodTokens;
let pod: Pod;
let due: string[];

beforeEach(async () => {
  server = await startTestServer({ clock });
  client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  due = [];
  tokens = new PodTokens({ client, clock, log: silentLogger, due: (uid) => due.push(uid) });
  pod = await client.create<Pod>(builtin('Pod'), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  });
});
afterEach(async () => {
  tokens.stop();
  await client.close();
  await server.close();
});

test('a token is asked for once, and again when four fifths of its life are over', async () => {
  const first = await tokens.token(pod, wanted);
  expect(await tokens.token(pod, wanted)).toBe(first);
  clock.advance(799_000);
  expect([due, await tokens.token(pod, wanted)]).toEqual([[], first]);
  clock.advance(2_000);
  expect(due).toEqual([pod.metadata?.uid]);
  expect(await tokens.token(pod, wanted)).not.toBe(first);
});

test('each audience and duration has a token of its own', async () => {
  const all = [
    await tokens.token(pod, wanted),
    await tokens.token(pod, { ...wanted, audience: 'vault' }),
    await tokens.token(pod, { ...wanted, expirationSeconds: 2000 }),
  ];
  expect(new Set(all).size).toBe(3);
});

test('a token that cannot be renewed is used until it ends, and then missed', async () => {
  const first = await tokens.token(pod, wanted);
  await client.delete(builtin('Pod'), 'p', 'default', { gracePeriodSeconds: 0 });
  clock.advance(900_000);
  due.length = 0;
  expect(await tokens.token(pod, wanted)).toBe(first);
  clock.advance(60_000);
  expect(due).toEqual([pod.metadata?.uid]);
  clock.advance(60_000);
  await expect(tokens.token(pod, wanted)).rejects.toThrow('pods "p" not found');
});

test('nobody is told of a pod that is gone', async () => {
  await tokens.token(pod, wanted);
  tokens.forget(pod.metadata?.uid ?? '');
  clock.advance(1_000_000);
  expect(due).toEqual([]);
});
