// Gateways of a real cluster: applied, they have an address, serve the routes that attach, and say what is wrong.
// Knows the CLI and kubectl from the outside.
import { join } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { publishedBundle } from '#test/support/published.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { findKubectl, kubectlFor } from '../support/kubectl.ts';
import { echoManifests } from '../support/manifests.ts';
import { evenkeelBinary, mustRun, run } from '../support/run.ts';
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
    // By the name of its Service, as pods do.
    const { spec } = await cluster.get<Service & KubeObject>('Service', 'one-evenkeel', 'default');
    await answers(`http://${spec?.clusterIP}:8080/`, 200, { host: 'shop.example' });
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

  test('the published definitions may be applied over ours, and everything goes on', async (context) => {
    const bundle = publishedBundle('standard', 'the published definitions over ours');
    if (bundle === undefined) return context.skip('the published bundle is not on this machine');
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

  test('a ListenerSet adds listeners to a Gateway that lets it, and routes attach to them', async () => {
    await cluster.apply(
      `${gateway('open', http, ', allowedListeners: { namespaces: { from: Same } }')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: more }
spec: { parentRef: { name: open }, listeners: [{ name: more, protocol: HTTP, port: 8081, hostname: more.example }] }
${httpRoute('more', '{ kind: ListenerSet, name: more }', web)}`.slice(4),
    );
    const address = await addressOf(cluster, 'open');
    await answers(`http://${address}:8081/`, 200, { host: 'more.example' });
    expect((await ask(`http://${address}:8080/`, { host: 'more.example' })).status).toBe(404);
    await eventually('the Gateway counts it', async () => {
      const { status } = await cluster.client.get<Gateway>(gatewayResource('Gateway'), 'open', 'default');
      expect(status?.attachedListenerSets).toBe(1);
    });
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
