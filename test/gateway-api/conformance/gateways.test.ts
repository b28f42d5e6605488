// What the conformance suite of the Gateway API asks of GatewayClasses, Gateways and ListenerSets, in our own words.
// Every title begins with the name of the suite's test, as docs/gateway-api.md lists it. Statuses are read as they come.
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Condition, Gateway, GatewayClass, ListenerSet } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { startCluster, type TestCluster } from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { ask } from '../../support/http.ts';
import { type HttpApp, httpApp, type Seen } from '../http-app.ts';
import { addressOf, answers, conditionOf, gateway, httpRoute, routeTells } from '../kit.ts';
import { http, listenerSet, setTellings, tellings, to, type Words } from './gateways-cases.ts';
import { world } from './gateways-world.ts';

function told(conditions: readonly Condition[] | undefined, wanted: Words): Words {
  const found: Record<string, string> = {};
  for (const [type, want] of Object.entries(wanted)) {
    const condition = conditionOf(conditions, type);
    if (type === 'routes' || type === 'kinds') continue;
    found[type] = want.includes('/') ? `${condition?.status}/${condition?.reason}` : `${condition?.status}`;
  }
  return found;
}

interface ListenerWords {
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds?: readonly { readonly kind: string }[];
  readonly conditions: readonly Condition[];
}

function says(
  status: { readonly conditions?: readonly Condition[]; readonly listeners?: readonly ListenerWords[] } | undefined,
  listener: string | undefined,
  wanted: Words,
): void {
  const of = listener === undefined ? status : status?.listeners?.find(({ name }) => name === listener);
  const found: Record<string, string> = { ...told(of?.conditions, wanted) };
  const words = of as ListenerWords | undefined;
  if ('routes' in wanted) found.routes = `${words?.attachedRoutes}`;
  if ('kinds' in wanted) found.kinds = (words?.supportedKinds ?? []).map(({ kind }) => kind).join(' ');
  expect(found, JSON.stringify(of)).toEqual(wanted);
}

describe('Gateways', { timeout: 60_000 }, () => {
  let cluster: TestCluster;
  let app: HttpApp;
  const gatewayNamed = (name: string): Promise<Gateway> =>
    cluster.client.get<Gateway>(gatewayResource('Gateway'), name, 'default');

  beforeAll(async () => {
    app = await httpApp('a');
    const authority = await createAuthority({ commonName: 'Root' });
    const pair = await authority.issue({ commonName: 'good', dnsNames: ['good.example'] });
    cluster = await startCluster(['-'], {
      input: world(app.port, pair, authority.certPem),
    });
    await addressOf(cluster, 'open');
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    app?.close();
  }, 30_000);

  test.each(tellings)('%s: %s says %o', async (_test, where, words) => {
    const [name = '', listener] = where.split('/');
    await eventually(where, async () => says((await gatewayNamed(name)).status as never, listener, words));
  });

  test.each(setTellings)('%s: %s says %o', async (_test, where, words) => {
    const [namespace = '', name = '', listener] = where.split('/');
    await eventually(where, async () => {
      const set = await cluster.client.get<ListenerSet>(gatewayResource('ListenerSet'), name, namespace);
      says(set.status as never, listener, words);
    });
  });

  test.each([
    ['ListenerSetAllowedNamespaceSame', 'same', 2],
    ['ListenerSetAllowedNamespaceNone', 'none', 0],
    ['ListenerSetDefaultNotAllowed', 'plain', 0],
    ['ListenerSetAllowedNamespaceSelector', 'chosen', 1],
    ['ListenerSetParentNotAccepted', 'hopeless', 0],
  ])('%s: Gateway %s counts %i ListenerSets', async (_test, name, count) => {
    await eventually(name, async () => {
      expect((await gatewayNamed(name)).status?.attachedListenerSets ?? 0).toBe(count);
    });
  });

  test.each([
    ['ListenerSetHostnameConflict', 'same', 'own.example', '/', 200],
    ['ListenerSetHostnameConflict', 'same', 'taken.example', '/', 200],
    ['ListenerSetHostnameConflict', 'same', 'first.example', '/', 200],
    ['ListenerSetHostnameConflict', 'same', 'shared.example', '/', 200],
    ['ListenerSetDualParentRefIndependence', 'same', 'second.example', '/both', 200],
    ['ListenerSetDualParentRefIndependence', 'same', 'second.example', '/one', 200],
    ['ListenerSetDualParentRefIndependence', 'same', 'second.example', '/other', 404],
    ['ListenerSetAllowedNamespaceNone', 'none', 'b.example', '/', 404],
    ['ListenerSetDefaultNotAllowed', 'plain', 'b.example', '/', 404],
    ['ListenerSetAllowedRoutesNamespaces', 'open', 'all.example', '/', 200],
    ['ListenerSetAllowedRoutesNamespaces', 'open', 'same.example', '/', 200],
    ['ListenerSetAllowedRoutesNamespaces', 'open', 'selected.example', '/', 200],
    ['GatewayFrontendInvalidDefaultClientCertificateValidation', 'no-clients', 'a.example', '/', 200],
  ])('%s: %s http://%s%s answers %i', async (_test, name, host, path, status) => {
    await answers(`http://${await addressOf(cluster, name).catch(() => addressIn(name))}:8080${path}`, status, {
      host,
    });
  });

  async function addressIn(name: string): Promise<string> {
    const { status } = await gatewayNamed(name);
    return status?.addresses?.[0]?.value ?? '';
  }

  test('ListenerSetDualParentRefIndependence: each parent has its own word', async () => {
    await routeTells(cluster, 'HTTPRoute', 'by-one-of-two', 'Accepted', 'NoMatchingParent');
    await routeTells(cluster, 'HTTPRoute', 'by-one-of-two', 'Accepted', 'Accepted');
  });

  test('GatewayListenerProtocolAndRouteKindConflicts: a kind that is not let in is told', async () => {
    await routeTells(cluster, 'HTTPRoute', 'disallowed', 'Accepted', 'NotAllowedByListeners');
  });

  test('GatewayFrontendInvalidDefaultClientCertificateValidation: HTTPS is not served', async () => {
    const address = await addressIn('no-clients');
    await expect(ask(`https://${address}:8443/`, { host: 'good.example' })).rejects.toThrow();
  });

  test('GatewayInfrastructure: labels and annotations are on what is made for the Gateway', async () => {
    await addressOf(cluster, 'labelled');
    const made = await cluster.list<Service & KubeObject>(
      'Service',
      'default',
      'gateway.networking.k8s.io/gateway-name=labelled',
    );
    expect(made).toHaveLength(1);
    expect(made[0]?.metadata?.labels).toMatchObject({ 'team.example/owner': 'shop' });
    expect(made[0]?.metadata?.annotations).toMatchObject({ 'team.example/note': 'hello' });
  });

  test('GatewayUpdateListenerHostname, GatewayObservedGenerationBump: a host that changes lets its routes in', async () => {
    await routeTells(cluster, 'HTTPRoute', 'moved', 'Accepted', 'NoMatchingListenerHostname');
    const { metadata } = await gatewayNamed('moving');
    await cluster.apply(gateway('moving', http('http', 'second.example')).slice(4));
    await routeTells(cluster, 'HTTPRoute', 'moved', 'Accepted', 'Accepted');
    await eventually('conditions are of the new generation', async () => {
      const after = await gatewayNamed('moving');
      expect(after.metadata?.generation).toBe((metadata?.generation ?? 0) + 1);
      const all = [
        ...(after.status?.conditions ?? []),
        ...(after.status?.listeners ?? []).flatMap(({ conditions }) => conditions ?? []),
      ];
      expect(all.length).toBeGreaterThan(4);
      for (const condition of all) expect(condition.observedGeneration).toBe(after.metadata?.generation);
    });
    await answers(`http://${await addressOf(cluster, 'moving')}:8080/`, 200, { host: 'second.example' });
  });

  test('ListenerSetUpdateListenerHostname: as for a Gateway', async () => {
    await cluster.apply(
      `${listenerSet('turning', 'open', http('http', 'before.example'))}${httpRoute('turned', '{ kind: ListenerSet, name: turning }', to('web'), '  hostnames: [after.example]')}`.slice(
        4,
      ),
    );
    await routeTells(cluster, 'HTTPRoute', 'turned', 'Accepted', 'NoMatchingListenerHostname');
    await cluster.apply(listenerSet('turning', 'open', http('http', 'after.example')).slice(4));
    await routeTells(cluster, 'HTTPRoute', 'turned', 'Accepted', 'Accepted');
  });

  test('GatewayModifyListeners: a listener that comes is served, and one that goes is not', async () => {
    const route = httpRoute('staying', '{ name: changing }', to('web'));
    await cluster.apply(`${gateway('changing', http('one', 'one.example'))}${route}`.slice(4));
    const url = `http://${await addressOf(cluster, 'changing')}:8080/`;
    await answers(url, 200, { host: 'one.example' });
    await cluster.apply(gateway('changing', `${http('one', 'one.example')}, ${http('two', 'two.example')}`).slice(4));
    await answers(url, 200, { host: 'two.example' });
    await cluster.apply(gateway('changing', http('two', 'two.example')).slice(4));
    await answers(url, 404, { host: 'one.example' });
    const { listeners } = (await gatewayNamed('changing')).status ?? {};
    expect(listeners?.map(({ name, attachedRoutes }) => [name, attachedRoutes])).toEqual([['two', 1]]);
  });

  test('GatewayStaticAddresses: bad addresses are told one after the other, and the good one is had', async () => {
    const net = (await addressOf(cluster, 'open')).replace(/\.\d+$/, '');
    const asks = (...addresses: string[]): Promise<void> =>
      cluster.apply(gateway('static', http('http', 'a.example'), `, addresses: [${addresses.join(', ')}]`).slice(4));
    const [strange, unusable, usable] = [
      '{ type: test/fake-invalid-type, value: one }',
      '{ type: IPAddress, value: 192.0.2.77 }',
      `{ type: IPAddress, value: ${net}.201 }`,
    ];
    const tells = (words: Words): Promise<void> =>
      eventually(JSON.stringify(words), async () =>
        says((await gatewayNamed('static')).status as never, undefined, words),
      );
    await asks(strange, unusable, usable);
    await tells({ Accepted: 'False/UnsupportedAddress' });
    await asks(unusable, usable);
    await tells({ Accepted: 'True/Accepted', Programmed: 'False/AddressNotUsable' });
    await asks(usable);
    await tells({ Accepted: 'True/Accepted', Programmed: 'True/Programmed' });
    expect((await gatewayNamed('static')).status?.addresses).toEqual([{ type: 'IPAddress', value: `${net}.201` }]);
  });

  test('GatewayHTTPListenerIsolation: a request meets the most specific listener alone', async () => {
    await cluster.apply(
      `${gateway(
        'isolated',
        [
          '{ name: empty, protocol: HTTP, port: 8080 }',
          http('wild', '"*.example.com"'),
          http('wild-foo', '"*.foo.example.com"'),
          http('abc', 'abc.foo.example.com'),
        ].join(', '),
      )}${['empty', 'wild', 'wild-foo', 'abc']
        .map((name) =>
          httpRoute(
            `isolated-${name}`,
            `{ name: isolated, sectionName: ${name} }`,
            `[{ matches: [{ path: { value: /${name} } }], backendRefs: [{ name: web, port: 80 }] }]`,
          ),
        )
        .join('')}`.slice(4),
    );
    const url = `http://${await addressOf(cluster, 'isolated')}:8080`;
    const own = {
      empty: 'bar.com',
      wild: 'bar.example.com',
      'wild-foo': 'bar.foo.example.com',
      abc: 'abc.foo.example.com',
    };
    for (const [name, host] of Object.entries(own)) {
      expect((JSON.parse((await answers(`${url}/${name}`, 200, { host })).text) as Seen).app).toBe('a');
      for (const other of Object.keys(own).filter((one) => one !== name))
        expect([host, other, (await ask(`${url}/${other}`, { host })).status]).toEqual([host, other, 404]);
    }
  });

  test('GatewayClassObservedGenerationBump: a class says which of its generations it means', async () => {
    const classes = gatewayResource('GatewayClass');
    const name = 'described';
    await cluster.apply(
      `apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: ${name} }\nspec: { controllerName: evenkeel.dev/gateway-controller, description: old }\n`,
    );
    const has = (generation: number): Promise<void> =>
      eventually(`generation ${generation}`, async () => {
        const { metadata, status } = await cluster.client.get<GatewayClass>(classes, name);
        const accepted = conditionOf(status?.conditions, 'Accepted');
        expect(metadata?.generation).toBe(generation);
        expect(accepted).toMatchObject({ status: 'True', observedGeneration: generation });
      });
    await has(1);
    await cluster.client.patch(classes, name, undefined, 'merge', { spec: { description: 'new' } });
    await has(2);
  });

  test('GatewayPreserveForeignConditions: conditions of others stay', async () => {
    const gateways = gatewayResource('Gateway');
    const before = await gatewayNamed('labelled');
    const theirs = {
      type: 'example.com/Theirs',
      status: 'True',
      reason: 'Said',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const conditions = [...(before.status?.conditions ?? []), theirs];
    await cluster.client.patch(
      gateways,
      'labelled',
      'default',
      'merge',
      { status: { conditions } },
      { subresource: 'status' },
    );
    await cluster.apply(
      gateway(
        'labelled',
        http('http', 'other.example'),
        ', infrastructure: { labels: { team.example/owner: shop }, annotations: { team.example/note: hello } }',
      ).slice(4),
    );
    await eventually('theirs is there beside ours of the new generation', async () => {
      const { metadata, status } = await gatewayNamed('labelled');
      expect(conditionOf(status?.conditions, 'Programmed')?.observedGeneration).toBe(metadata?.generation);
      expect(conditionOf(status?.conditions, theirs.type)).toEqual(theirs);
    });
  });
});
