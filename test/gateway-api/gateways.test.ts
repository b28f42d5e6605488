// Gateways of a real cluster: applied, they have an address, serve the routes that attach, and say what is wrong.
// Knows the CLI and kubectl from the outside.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { kernelAllows } from '../support/kernel.ts';
import { findKubectl, kubectlFor } from '../support/kubectl.ts';
import { echoManifests } from '../support/manifests.ts';
import { evenkeelBinary, mustRun, repository, run } from '../support/run.ts';
import { addressOf, answers, gateway, gatewayTells, httpRoute, routeTells } from './kit.ts';

const web = '[{ backendRefs: [{ name: web, port: 80 }] }]';
/** Any user may listen there. */
const http = '{ name: http, protocol: HTTP, port: 8080 }';
const PATIENT = { timeout: 120_000 };

describe('on the loopback device', PATIENT, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster(['-'], {
      input: `${echoManifests({ name: 'web', namespace: 'default' })}${gateway('one', http)}${gateway('two', http)}${httpRoute('web', '{ name: one }', web, '  hostnames: [shop.example]')}`,
    });
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 30_000);

  test('a Gateway and an HTTPRoute that kubectl applies are served at the address that it shows', async () => {
    const address = await addressOf(cluster, 'one');
    const { text } = await answers(`http://${address}:8080/x`, 200, { host: 'shop.example' });
    expect(JSON.parse(text)).toMatchObject({ path: '/x' });
    expect((await ask(`http://${address}:8080/`, { host: 'other.example' })).status).toBe(404);
    const found = await findKubectl('current');
    if (!('path' in found)) {
      process.stderr.write(`Left out, because ${found.missing}: the table of kubectl\n`);
      return;
    }
    const kubectl = kubectlFor(found.path, cluster.kubeconfig, join(cluster.data));
    expect(await kubectl(['get', 'gateway', 'one'])).toMatch(
      new RegExp(`^one +evenkeel +${address.replaceAll('.', '\\.')} +True`, 'm'),
    );
    expect(await kubectl(['get', 'gc'])).toMatch(/^evenkeel +evenkeel.dev\/gateway-controller +True/m);
  });

  test('two Gateways have the same port, each at an address of its own, and share no route', async () => {
    const [one, two] = [await addressOf(cluster, 'one'), await addressOf(cluster, 'two')];
    expect(one).not.toBe(two);
    expect((await answers(`http://${two}:8080/`, 404, { host: 'shop.example' })).status).toBe(404);
    // An Ingress has hosts on the gateway's own listeners only, and a Gateway on its address only.
    expect((await ask(cluster.http, { host: 'shop.example' })).status).toBe(404);
  });

  test('a route says why it does not work, and works as soon as that is mended', async () => {
    await cluster.apply(
      httpRoute(
        'late',
        '{ name: two }',
        '[{ backendRefs: [{ name: late, port: 80 }] }]',
        '  hostnames: [late.example]',
      ),
    );
    const address = await addressOf(cluster, 'two');
    expect(await routeTells(cluster, 'HTTPRoute', 'late', 'ResolvedRefs', 'BackendNotFound')).toContain(
      'Service "default/late" does not exist',
    );
    await answers(`http://${address}:8080/`, 500, { host: 'late.example' });
    await cluster.apply(echoManifests({ name: 'late', namespace: 'default' }));
    await routeTells(cluster, 'HTTPRoute', 'late', 'ResolvedRefs', 'ResolvedRefs');
    await answers(`http://${address}:8080/`, 200, { host: 'late.example' });
  });

  test('an address that is asked for is given, and one that cannot be had is told', async () => {
    const address = await addressOf(cluster, 'one');
    const net = address.slice(0, address.lastIndexOf('.'));
    await cluster.apply(gateway('asked', http, `, addresses: [{ value: ${net}.77 }]`));
    expect(await addressOf(cluster, 'asked')).toBe(`${net}.77`);
    await cluster.apply(gateway('taken', http, `, addresses: [{ value: ${net}.77 }]`));
    const refused = await gatewayTells(cluster, 'taken', 'Programmed', 'AddressNotUsable');
    expect(JSON.stringify(refused.status?.conditions)).toContain(`Address ${net}.77 cannot be had`);
    await cluster.apply(gateway('odd', http, ', addresses: [{ type: Hostname, value: lb.example }]'));
    await gatewayTells(cluster, 'odd', 'Accepted', 'UnsupportedAddress');
  });

  test('the published definitions may be applied over ours, and everything goes on', async () => {
    const bundle = ['../shared/data', '../../shared/data']
      .map((folder) => join(repository, folder, 'gateway-api-v1.6.1-standard.yaml'))
      .find((file) => existsSync(file));
    if (bundle === undefined) {
      process.stderr.write('Left out: the published bundle of the Gateway API is not on this machine\n');
      return;
    }
    const found = await findKubectl('current');
    if ('path' in found) {
      const kubectl = kubectlFor(found.path, cluster.kubeconfig, join(cluster.data));
      await kubectl(['apply', '--server-side', '-f', bundle]);
    } else await mustRun(evenkeelBinary, ['apply', bundle, '--data', cluster.data, '--force-conflicts']);
    const crd = await cluster.get<KubeObject>('CustomResourceDefinition', 'gateways.gateway.networking.k8s.io');
    expect(crd.metadata?.annotations?.['gateway.networking.k8s.io/channel']).toBe('standard');
    await cluster.apply(httpRoute('after', '{ name: two }', web, '  hostnames: [after.example]').slice(4));
    await answers(`http://${await addressOf(cluster, 'two')}:8080/`, 200, { host: 'after.example' });
  });

  test('a Gateway that goes takes its address and its sockets along', async () => {
    await cluster.apply(gateway('short', http));
    const address = await addressOf(cluster, 'short');
    await cluster.client.delete(gatewayResource('Gateway'), 'short', 'default');
    await eventually('nobody listens there any more', async () => {
      expect((await run('curl', ['-sS', '--max-time', '5', `http://${address}:8080/`])).code).toBe(7);
    });
    await eventually('its Service is gone', async () => {
      const services = await cluster.list('Service', 'default');
      expect(services.map(({ metadata }) => metadata?.name)).not.toContain('short-evenkeel');
    });
  });

  test('entries of other controllers in the status of a route stay', async () => {
    const route = gatewayResource('HTTPRoute');
    const other = {
      parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'elsewhere' },
      controllerName: 'example.com/other',
      conditions: [
        {
          type: 'Accepted',
          status: 'True',
          reason: 'Accepted',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    };
    const before = await cluster.client.get<Gateway>(route, 'web', 'default');
    const parents = (before.status as unknown as { parents: unknown[] }).parents;
    await cluster.client.patch(
      route,
      'web',
      'default',
      'merge',
      { status: { parents: [other] } },
      { subresource: 'status' },
    );
    await eventually('ours is back beside theirs', async () => {
      const { status } = await cluster.client.get<Gateway>(route, 'web', 'default');
      expect((status as unknown as { parents: unknown[] }).parents).toEqual([
        other,
        ...parents.map(() => expect.objectContaining({ controllerName: 'evenkeel.dev/gateway-controller' })),
      ]);
    });
  });
});

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
