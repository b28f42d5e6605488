// Definitions that a cluster has from the start: written once, mended when changed, and left alone otherwise.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Definition, loadBalancerDefinitions } from '#kube/api/load-balancer/resources.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { ensureDefinition } from './custom-objects.ts';

const CRDS = builtin('CustomResourceDefinition');

let server: TestServer;
let client: Client;
beforeAll(async () => {
  server = await startTestServer();
  client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
});
afterAll(async () => {
  await client.close();
  await server.close();
});

/** The client, and what it was asked to write. */
function watched(): { client: Client; writes: string[] } {
  const writes: string[] = [];
  const noted =
    (verb: string, call: (...args: never[]) => unknown) =>
    (...args: never[]) => {
      writes.push(verb);
      return call(...args);
    };
  const { create, patch } = client;
  return { writes, client: { ...client, create: noted('create', create), patch: noted('patch', patch) } as Client };
}

test.each(loadBalancerDefinitions.map((definition) => [definition.metadata?.name ?? '', definition] as const))(
  '%s is written at the first start, and not at the second',
  async (name, definition) => {
    const first = watched();
    await ensureDefinition(first.client, definition);
    expect(first.writes).toEqual(['create']);
    const second = watched();
    await ensureDefinition(second.client, definition);
    expect(second.writes).toEqual([]);
    expect((await client.get<Definition>(CRDS, name)).metadata?.generation).toBe(1);
  },
);

test('one of ours that was changed is as it should be again', async () => {
  const [ours] = loadBalancerDefinitions;
  const name = ours?.metadata?.name ?? '';
  await client.patch(CRDS, name, undefined, 'merge', { spec: { names: { shortNames: ['changed'] } } });
  const { client: noted, writes } = watched();
  await ensureDefinition(noted, ours as Definition);
  expect(writes).toEqual(['patch']);
  const { spec } = await client.get<Definition>(CRDS, name);
  expect(spec.names.shortNames).toEqual(ours?.spec.names.shortNames);
});
