// What the conformance suite of the Gateway API asks of TLS: listeners, clients' certificates, policies for backends, TLSRoutes.
// Every title begins with the name of the suite's test, as docs/gateway-api.md lists it. Backends are servers of the test.
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { BackendTlsPolicy } from '#kube/api/gateway/types.ts';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';
import { startCluster, type TestCluster } from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { ask } from '../../support/http.ts';
import { type HttpApp, httpApp } from '../http-app.ts';
import { addressOf, answers, conditionOf, gatewayTells, routeTells } from '../kit.ts';
import { IDENTITY, policies, world } from './tls-cases.ts';

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
describe('TLS', { timeout: 60_000 }, () => {
  let root: Authority;
  let first: Authority;
  let second: Authority;
  let cluster: TestCluster;
  const apps: HttpApp[] = [];
  const servers: Server[] = [];
  const addresses = new Map<string, string>();

  beforeAll(async () => {
    [root, first, second] = (await Promise.all(
      ['Root', 'First', 'Second'].map((commonName) => createAuthority({ commonName })),
    )) as [Authority, Authority, Authority];
    const [own, theirs, mine] = await Promise.all([
      root.issue({
        commonName: 'own',
        dnsNames: [
          '*.example.org',
          'example.org',
          'second-example.org',
          'unknown-example.org',
          '*.wildcard.org',
          'ended.example',
          'web.example',
          'other.example',
        ],
      }),
      root.issue({
        commonName: 'inner',
        dnsNames: ['inner.example', '*.passed.example', 'mixed.example'],
        uris: [IDENTITY],
      }),
      first.issue({ commonName: 'gateway', client: true }),
    ]);
    apps.push(...(await Promise.all(['a', 'b', 'c'].map(httpApp))));
    const inner = createHttpsServer(
      { cert: theirs.certPem, key: theirs.keyPem, ca: first.certPem, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const socket = request.socket as TLSSocket;
        response.end(JSON.stringify({ name: socket.servername, client: socket.authorized }));
      },
    );
    const speaking = (word: string): Server =>
      createTlsServer({ cert: theirs.certPem, key: theirs.keyPem }, (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(`${word} ${socket.servername}`));
      });
    const [passed, specific] = [speaking('passed'), speaking('specific')];
    const plain = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => socket.end(`plain ${bytes}`));
    });
    servers.push(inner, passed, specific, plain);
    const innerPort = await listening(inner);
    const [passedPort, specificPort, plainPort] = [
      await listening(passed),
      await listening(specific),
      await listening(plain),
    ];
    cluster = await startCluster(['-'], {
      input: world({
        web: apps,
        inner: innerPort,
        passed: passedPort,
        specific: specificPort,
        ended: plainPort,
        own,
        mine,
        root: root.certPem,
        first: first.certPem,
        second: second.certPem,
      }),
    });
    for (const name of ['directed', 'mutual', 'outward', 'streams'])
      addresses.set(name, await addressOf(cluster, name));
    await answers(`http://${addresses.get('outward')}:8080/plain`, 200);
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const app of apps) app.close();
    for (const server of servers) server.close();
  }, 30_000);

  /** What comes back through TLS until the other side ends; empty where TLS itself fails. */
  async function talk(name: string, port: number, servername: string, text: string, pair?: KeyPair): Promise<string> {
    const own = pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem };
    const socket = connectTls({ host: addresses.get(name), port, servername, ca: root.certPem, ...own });
    let heard = '';
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString();
    });
    socket.on('error', () => {});
    socket.write(text);
    await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    return heard;
  }
  const get = async (name: string, port: number, servername: string, host: string, pair?: KeyPair): Promise<string> => {
    const text = await talk(
      name,
      port,
      servername,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      pair,
    );
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'none';
    return status === '200' ? (/"app":"(\w+)"/.exec(text)?.[1] ?? text) : status;
  };

  test.each([
    ['example.org', 'example.org', 'a'],
    ['example.org', 'second-example.org', '421'],
    ['example.org', 'unknown-example.org', '404'],
    ['second-example.org', 'second-example.org', 'b'],
    ['second-example.org', 'example.org', '421'],
    ['second-example.org', 'unknown-example.org', '421'],
    ['third.wildcard.org', 'third.wildcard.org', 'c'],
    ['third.wildcard.org', 'fourth.wildcard.org', '421'],
    ['third.wildcard.org', 'second-example.org', '421'],
    ['third.wildcard.org', 'unknown-example.org', '421'],
    ['fourth.wildcard.org', 'fourth.wildcard.org', 'a'],
    ['fourth.wildcard.org', 'fifth.wildcard.org', '421'],
    ['unknown-example.org', 'example.org', 'a'],
    ['unknown-example.org', 'unknown-example.org', '404'],
  ])('HTTPRouteHTTPSListenerDetectMisdirectedRequests: to %s for %s -> %s', async (servername, host, expected) => {
    expect(await get('directed', 8443, servername, host)).toBe(expected);
  });

  test('HTTPRouteHTTPSListener: a route is served through TLS, with a host and without', async () => {
    expect(await get('directed', 8443, 'example.org', 'example.org')).toBe('a');
    expect(await get('directed', 8443, 'second-example.org', 'second-example.org')).toBe('b');
  });

  test('GatewayFrontendClientCertificateValidation: by the authorities of the port, else by those for all', async () => {
    const [of1, of2] = await Promise.all(
      [first, second].map((authority) => authority.issue({ commonName: 'client', client: true })),
    );
    expect(await get('mutual', 8443, 'example.org', 'example.org', of1)).toBe('a');
    expect(await get('mutual', 8443, 'example.org', 'example.org', of2)).toBe('none');
    expect(await get('mutual', 8443, 'example.org', 'example.org')).toBe('none');
    expect(await get('mutual', 8444, 'example.org', 'example.org', of2)).toBe('a');
    expect(await get('mutual', 8444, 'example.org', 'example.org', of1)).toBe('none');
  });

  test('GatewayFrontendClientCertificateValidationInsecureFallback: anybody, and the condition says so', async () => {
    const stranger = await second.issue({ commonName: 'client', client: true });
    for (const pair of [undefined, stranger, await first.issue({ commonName: 'client', client: true })])
      expect(await get('mutual', 8445, 'example.org', 'example.org', pair)).toBe('a');
    const told = await gatewayTells(cluster, 'mutual', 'InsecureFrontendValidationMode', 'ConfigurationChanged');
    const condition = conditionOf(told.status?.conditions, 'InsecureFrontendValidationMode');
    expect([condition?.status, condition?.message]).toEqual(['True', expect.stringContaining('ports: 8445')]);
    await cluster.client.patch(gatewayResource('Gateway'), 'mutual', 'default', 'json', [
      { op: 'remove', path: '/spec/tls/frontend/perPort/1' },
    ]);
    await eventually('the condition goes with the mode', async () => {
      const { status } = await gatewayTells(cluster, 'mutual', 'Programmed', 'Programmed');
      expect(conditionOf(status?.conditions, 'InsecureFrontendValidationMode')).toBeUndefined();
    });
  });

  test('GatewayTLSBackendClientCertificate: the backend sees the certificate of the Gateway', async () => {
    const { text } = await answers(`http://${addresses.get('outward')}:8080/plain`, 200);
    expect(JSON.parse(text)).toEqual({ name: 'inner.example', client: true });
  });

  test.each(policies.map(([of, name, served]) => [of, name, served] as const))(
    '%s: %s is served: %s',
    async (of, name, served) => {
      const { status, text } = await ask(`http://${addresses.get('outward')}:8080/${name}`);
      if (served) expect(JSON.parse(text)).toMatchObject({ name: 'inner.example' });
      else expect(status).toBeGreaterThanOrEqual(500);
      const conditions = await policyTells(name);
      if (!of.startsWith('BackendTLSPolicyInvalid')) {
        expect(conditionOf(conditions, 'Accepted')).toMatchObject({ status: 'True', reason: 'Accepted' });
        return;
      }
      expect(conditionOf(conditions, 'Accepted')).toMatchObject({ status: 'False', reason: 'NoValidCACertificate' });
      expect(conditionOf(conditions, 'ResolvedRefs')).toMatchObject({
        status: 'False',
        reason: of === 'BackendTLSPolicyInvalidKind' ? 'InvalidKind' : 'InvalidCACertificateRef',
      });
    },
  );

  async function policyTells(name: string) {
    return await eventually(`${name} has a status`, async () => {
      const { status } = await cluster.client.get<BackendTlsPolicy>(
        gatewayResource('BackendTLSPolicy'),
        name,
        'default',
      );
      const ancestor = status?.ancestors?.find(({ ancestorRef }) => ancestorRef.name === 'outward');
      if (ancestor === undefined) throw new Error(JSON.stringify(status));
      expect(ancestor.ancestorRef).toMatchObject({ kind: 'Gateway', group: 'gateway.networking.k8s.io' });
      return ancestor.conditions;
    });
  }

  test.each([
    ['contested', 'True', 'Accepted'],
    ['contested-too', 'False', 'Conflicted'],
    ['divided', 'True', 'Accepted'],
    ['divided-port', 'True', 'Accepted'],
  ])('BackendTLSPolicyConflictResolution: %s says %s %s', async (name, status, reason) => {
    expect(conditionOf(await policyTells(name), 'Accepted')).toMatchObject({ status, reason });
  });

  test.each(['contested', 'divided'])('BackendTLSPolicyConflictResolution: %s is served', async (name) => {
    await answers(`http://${addresses.get('outward')}:8080/${name}`, 200);
  });

  test('BackendTLSPolicyObservedGenerationBump, BackendTLSPolicyPreserveForeignStatus: ours is new, theirs stays', async () => {
    const resource = gatewayResource('BackendTLSPolicy');
    const before = await cluster.client.get<BackendTlsPolicy>(resource, 'plain', 'default');
    const theirs = {
      ancestorRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'theirs' },
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
    const ancestors = [...(before.status?.ancestors ?? []), theirs];
    await cluster.client.patch(
      resource,
      'plain',
      'default',
      'merge',
      { status: { ancestors } },
      { subresource: 'status' },
    );
    await cluster.client.patch(resource, 'plain', 'default', 'merge', {
      spec: { validation: { subjectAltNames: [{ type: 'Hostname', hostname: 'inner.example' }] } },
    });
    await eventually('the new generation is told', async () => {
      const { metadata, status } = await cluster.client.get<BackendTlsPolicy>(resource, 'plain', 'default');
      expect(metadata?.generation).toBe((before.metadata?.generation ?? 0) + 1);
      expect(status?.ancestors?.map(({ controllerName }) => controllerName).sort()).toEqual([
        'evenkeel.dev/gateway-controller',
        'example.com/other',
      ]);
      const ours = status?.ancestors?.find(({ controllerName }) => controllerName !== 'example.com/other');
      for (const condition of ours?.conditions ?? []) expect(condition.observedGeneration).toBe(metadata?.generation);
    });
  });

  test.each([
    ['TLSRouteSimpleSameNamespace', 8443, 'two.passed.example', 'passed two.passed.example'],
    [
      'TLSRouteMultipleRoutesAttachmentSameHostnameIntersection',
      8443,
      'one.passed.example',
      'specific one.passed.example',
    ],
    ['TLSRouteTerminateSimpleSameNamespace', 8443, 'ended.example', 'plain hello'],
    ['TLSRouteMixedTerminationSameNamespace', 8443, 'ended.example', 'plain hello'],
    ['TLSRouteMixedTerminationSameNamespace', 8443, 'two.passed.example', 'passed two.passed.example'],
    ['GatewayHTTPSAndTLSPassthroughSamePort', 8444, 'mixed.example', 'passed mixed.example'],
    ['TLSRouteHostnameIntersection', 8443, 'other.example', ''],
    ['TLSRouteInvalidBackendRefNonexistent', 8443, 'nobody.passed.example', ''],
    ['TLSRouteInvalidReferenceGrant', 8443, 'far.passed.example', ''],
  ])('%s: port %i for %s -> %s', async (_test, port, servername, expected) => {
    expect(await talk('streams', port, servername, 'hello')).toBe(expected);
  });

  test('GatewayHTTPSAndTLSPassthroughSamePort: what is not passed through is ended here', async () => {
    expect(await get('streams', 8444, 'other.example', 'other.example')).toBe('a');
    expect(await get('streams', 8443, 'web.example', 'web.example')).toBe('a');
  });

  test.each([
    ['TLSRouteInvalidBackendRefNonexistent', 'nobody', 'ResolvedRefs', 'BackendNotFound'],
    ['TLSRouteInvalidReferenceGrant', 'not-granted', 'ResolvedRefs', 'RefNotPermitted'],
    ['TLSRouteInvalidNoMatchingListenerHostname', 'no-host', 'Accepted', 'NoMatchingListenerHostname'],
    ['TLSRouteInvalidNoMatchingListener', 'on-http', 'Accepted', 'NotAllowedByListeners'],
    ['TLSRouteInvalidNoMatchingListener', 'on-https', 'Accepted', 'NotAllowedByListeners'],
    ['TLSRouteInvalidNoMatchingListener', 'no-kind', 'Accepted', 'NotAllowedByListeners'],
    ['TLSRouteInvalidNoMatchingListener', 'no-section', 'Accepted', 'NoMatchingParent'],
    ['TLSRouteHostnameIntersection', 'specific', 'Accepted', 'Accepted'],
  ])('%s: %s says %s %s', async (_test, name, type, reason) => {
    await routeTells(cluster, 'TLSRoute', name, type, reason);
  });

  test('TLSRouteListenerPassthroughSupportedKinds, TLSRouteListenerTerminateSupportedKinds: TLSRoute, counted', async () => {
    await eventually('the listeners say so', async () => {
      const { status } = await gatewayTells(cluster, 'streams', 'Programmed', 'Programmed');
      const kinds = (name: string) => {
        const listener = status?.listeners?.find((one) => one.name === name);
        return [listener?.supportedKinds?.map(({ kind }) => kind), listener?.attachedRoutes];
      };
      expect(kinds('passed')).toEqual([['TLSRoute'], 4]);
      expect(kinds('ended')).toEqual([['TLSRoute'], 1]);
    });
  });

  test('TLSRouteReferenceGrant: a grant lets a backend of another namespace in', async () => {
    await cluster.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: streams, namespace: team }
spec: { from: [{ group: gateway.networking.k8s.io, kind: TLSRoute, namespace: default }], to: [{ group: "", kind: Service }] }`);
    await routeTells(cluster, 'TLSRoute', 'not-granted', 'ResolvedRefs', 'ResolvedRefs');
    await eventually('it is served', async () => {
      expect(await talk('streams', 8443, 'far.passed.example', 'hello')).toBe('passed far.passed.example');
    });
  });
});
