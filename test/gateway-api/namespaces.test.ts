// Gateways of a cluster with network namespaces: addresses on the fabric, ports of any number, clients as they are.
// Knows the CLI from the outside.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { startCluster } from '../support/cluster.ts';
import { kernelAllows } from '../support/kernel.ts';
import { echoManifests } from '../support/manifests.ts';
import { mustRun } from '../support/run.ts';
import { addressOf, answers, gateway, httpRoute } from './kit.ts';

const web = '[{ backendRefs: [{ name: web, port: 80 }] }]';

describe.runIf(kernelAllows(namespaceObstacle(), 'addresses of Gateways on the fabric'))('with namespaces', () => {
  test('Gateways share port 80 on addresses of the fabric, for the machine and for nodes, and clients keep their address', async () => {
    const ranges = ownRanges();
    const port80 = '{ name: http, protocol: HTTP, port: 80 }';
    const cluster = await startCluster(['-'], {
      input: `${echoManifests({ name: 'web', namespace: 'default' })}${gateway('one', port80)}${gateway('two', port80)}${httpRoute('web', '{ name: one }, { name: two }', web)}`,
      args: ['--network', 'netns', ...ranges.arguments],
    });
    try {
      const { owner } = JSON.parse(readFileSync(join(cluster.data, 'fabric.json'), 'utf8')) as { owner: string };
      for (const name of ['one', 'two']) {
        const address = await addressOf(cluster, name);
        expect(address.startsWith(ranges.beginnings[0] ?? '')).toBe(true);
        await answers(`http://${address}/`, 200);
        const { status } = await cluster.client.get<Gateway>(gatewayResource('Gateway'), name, 'default');
        // The ranges have both families, and so has a Gateway.
        expect(status?.addresses?.map(({ value = '' }) => value.includes(':'))).toEqual([false, true]);
        await answers(`http://[${status?.addresses?.[1]?.value}]/`, 200);
        const node = ['netns', 'exec', `${owner}-node-1`];
        const seen = await mustRun('ip', [...node, 'curl', '-sS', '--max-time', '5', `http://${address}/`]);
        const [own = ''] = (await mustRun('ip', [...node, 'hostname', '-I'])).split(' ');
        expect((JSON.parse(seen) as { headers: Record<string, string> }).headers['x-forwarded-for']).toBe(own);
      }
    } finally {
      await cluster.remove();
    }
  }, 180_000);
});
