// A pod that is gone from here, where another has its name on another node by now.
import { expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { deletePodObject } from './delete-object.ts';

test('the other pod stays, and nothing has failed', async () => {
  const tokens = new Map([['n1', { name: 'system:node:n1', groups: ['system:nodes'] }]]);
  const server = await startTestServer({ tokens });
  const as = (token: string) => createClient({ server: server.url, caPem: server.caPem, token });
  const [admin, node] = [as(server.adminToken), as('n1')];
  await admin.create(builtin('Pod'), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-0', namespace: 'default' },
    spec: { nodeName: 'n2', containers: [{ name: 'main', image: 'evenkeel.dev/echo' }] },
  } as never);
  await deletePodObject(node, { metadata: { name: 'web-0', namespace: 'default', uid: 'of-the-first' } });
  expect((await admin.get(builtin('Pod'), 'web-0', 'default')).metadata?.name).toBe('web-0');
  await node.close();
  await admin.close();
  await server.close();
});
