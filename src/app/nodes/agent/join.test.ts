// What a kubelet does about the ranges of a Node that it finds.
import type { Node } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { renewNode } from '../../main/renew-node.ts';
import { podCidrsOf } from './join.ts';

const NODE = builtin('Node');

test('other ranges than the Node has are waited for, until it is registered anew with all that people have said', async () => {
  const server = await startTestServer();
  const common = { log: silentLogger, clock: systemClock };
  const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken }, common);
  try {
    const spec = { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], unschedulable: true };
    const metadata = { name: 'n1', labels: { disk: 'ssd' } };
    const known = await client.create<Node>(NODE, { apiVersion: 'v1', kind: 'Node', metadata, spec });
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_: unknown, text: string) => void warnings.push(text) };
    const joining = { client, nodeName: 'n1', ...common, log: log as never, signal: new AbortController().signal };
    expect(await podCidrsOf(joining, [], known)).toEqual(['10.1.0.0/24']);
    expect(await podCidrsOf(joining, ['10.1.0.0/24'], known)).toEqual(['10.1.0.0/24']);
    const others = podCidrsOf(joining, ['10.2.0.0/24'], known);
    await eventually('it says what it waits for', () => expect(warnings[0]).toContain('or delete the Node'));
    await renewNode(client, 'n1', ['10.2.0.0/24']);
    expect(await others).toEqual(['10.2.0.0/24']);
    const anew = await client.get<Node>(NODE, 'n1');
    expect(anew.metadata?.uid).not.toBe(known.metadata?.uid);
    expect(anew).toMatchObject({
      metadata: { labels: { disk: 'ssd' } },
      spec: { podCIDR: '10.2.0.0/24', podCIDRs: ['10.2.0.0/24'], unschedulable: true },
    });
    await renewNode(client, 'n1', ['10.2.0.0/24']);
    expect((await client.get<Node>(NODE, 'n1')).metadata?.uid).toBe(anew.metadata?.uid);
  } finally {
    await client.close();
    await server.close();
  }
});
