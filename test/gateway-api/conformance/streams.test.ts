// What the conformance suite of the Gateway API asks of TCPRoutes, UDPRoutes and GRPCRoutes, over real connections.
// Every title begins with the name of the suite's test, as docs/gateway-api.md lists it. Backends are servers of the test.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Server } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import { EchoClient, type EchoServer, echoServer } from '../../grpc/echo-service.ts';
import { startCluster, type TestCluster } from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { addressOf, gateway, routeTells, serviceOf } from '../kit.ts';

const NAMES = ['one', 'two', 'three'] as const;
type Kind = 'TCPRoute' | 'UDPRoute';
const route = (kind: string, name: string, parents: string, backends: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name} }
spec: { parentRefs: [${parents}], rules: [{ backendRefs: [${backends}] }] }`;
const to = (name: string, more = ''): string => `{ name: ${name}, port: 80${more} }`;

/** The same world for both: routes by port, by section, by both, for all listeners, by weight, and those that are told. */
function world(kind: Kind, [one, two, three]: readonly [string, string, string]): string {
  const protocol = kind.slice(0, 3);
  const id = protocol.toLowerCase();
  const listeners = NAMES.map((name, i) => `{ name: ${name}, protocol: ${protocol}, port: ${9001 + i} }`).join(', ');
  return [
    gateway(`${id}-parts`, listeners),
    route(kind, `${id}-by-port`, `{ name: ${id}-parts, port: 9001 }`, to(one)),
    route(kind, `${id}-by-section`, `{ name: ${id}-parts, sectionName: two }`, to(two)),
    route(kind, `${id}-by-both`, `{ name: ${id}-parts, sectionName: three, port: 9003 }`, to(three)),
    gateway(`${id}-all`, listeners),
    route(kind, `${id}-all`, `{ name: ${id}-all }`, to(one)),
    gateway(`${id}-others`, `${listeners}, { name: http, protocol: HTTP, port: 8080 }`),
    route(
      kind,
      `${id}-weights`,
      `{ name: ${id}-others, sectionName: one }`,
      `${to(one, ', weight: 70')}, ${to(two, ', weight: 30')}`,
    ),
    route(kind, `${id}-nobody`, `{ name: ${id}-others, sectionName: two }`, to('nobody')),
    route(kind, `${id}-far`, `{ name: ${id}-others, sectionName: three }`, to('far', ', namespace: team')),
    route(kind, `${id}-on-http`, `{ name: ${id}-others, sectionName: http }`, to(one)),
  ].join('');
}

describe('TCP, UDP and gRPC', { timeout: 60_000 }, () => {
  let cluster: TestCluster;
  const servers: Server[] = [];
  const sockets: UdpSocket[] = [];
  const rpcs: EchoServer[] = [];

  beforeAll(async () => {
    const services: string[] = [];
    for (const name of NAMES) {
      const server = createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(name));
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      services.push(serviceOf(name, (server.address() as AddressInfo).port));
      const udp = createSocket('udp4', (_message, from) => udp.send(`u-${name}`, from.port, from.address));
      sockets.push(udp);
      await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
      services.push(serviceOf(`u-${name}`, udp.address().port, 'protocol: UDP'));
    }
    // One name for both protocols in the other namespace: routes of either ask for it.
    const { port: tcp } = (servers.at(2) as Server).address() as AddressInfo;
    for (const at of [0, 1]) {
      const rpc = await echoServer();
      rpcs.push(rpc);
      services.push(serviceOf(`rpc-${at}`, Number(rpc.address.split(':')[1])));
    }
    cluster = await startCluster(['-'], {
      input: [
        'apiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n',
        ...services,
        serviceOf('far', tcp, '', 'team')
          .replace('ports: [{ port: 80 }]', 'ports: [{ name: t, port: 80 }, { name: u, port: 80, protocol: UDP }]')
          .replace(
            `ports: [{ port: ${tcp}, protocol: TCP }]`,
            `ports: [{ name: t, port: ${tcp} }, { name: u, port: ${sockets[2]?.address().port}, protocol: UDP }]`,
          ),
        world('TCPRoute', NAMES),
        world('UDPRoute', ['u-one', 'u-two', 'u-three']),
        gateway(
          'calls',
          '{ name: http, protocol: HTTP, port: 8080, hostname: "*.calls.example" }, { name: named, protocol: HTTP, port: 8080, hostname: one.calls.test }',
        ),
        `
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: methods }
spec:
  parentRefs: [{ name: calls, sectionName: http }]
  hostnames: [methods.calls.example]
  rules:
    - name: unary
      matches: [{ method: { service: test.Echo, method: Unary } }]
      backendRefs: [{ name: rpc-0, port: 80 }]
    - name: collect
      matches: [{ method: { service: test.Echo, method: Collect } }]
      backendRefs: [{ name: rpc-1, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: headers }
spec:
  parentRefs: [{ name: calls, sectionName: http }]
  hostnames: [headers.calls.example]
  rules:
    - matches: [{ headers: [{ name: version, value: one }] }]
      filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-sent, value: gateway }], remove: [version] } }]
      backendRefs: [{ name: rpc-0, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: weights }
spec:
  parentRefs: [{ name: calls, sectionName: http }]
  hostnames: [weights.calls.example]
  rules: [{ backendRefs: [{ name: rpc-0, port: 80, weight: 70 }, { name: rpc-1, port: 80, weight: 30 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: hosts }
spec:
  parentRefs: [{ name: calls, sectionName: named }]
  rules: [{ backendRefs: [{ name: rpc-1, port: 80 }] }]`,
      ].join(''),
    });
    for (const name of ['tcp-parts', 'udp-parts', 'tcp-all', 'udp-all', 'tcp-others', 'udp-others', 'calls'])
      await addressOf(cluster, name);
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const server of servers) server.close();
    for (const socket of sockets) socket.close();
    for (const rpc of rpcs) rpc.close();
  }, 30_000);

  async function overTcp(name: string, port: number): Promise<string> {
    const socket = connectTcp(port, await addressOf(cluster, name));
    let heard = '';
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString();
    });
    socket.on('error', () => {});
    socket.write('hello');
    await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    return heard;
  }
  /** Each from a port of its own; empty where nothing comes back. */
  async function overUdp(address: string, port: number, patienceMs = 2000): Promise<string> {
    const socket = createSocket('udp4');
    try {
      socket.send('hello', port, address);
      const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(patienceMs) })) as [Buffer];
      return bytes.toString();
    } catch {
      return '';
    } finally {
      socket.close();
    }
  }
  const over = async (kind: Kind, name: string, port: number): Promise<string> =>
    kind === 'TCPRoute'
      ? overTcp(`tcp-${name}`, port)
      : overUdp(await addressOf(cluster, `udp-${name}`), port).then((text) => text.replace('u-', ''));

  describe.each(['TCPRoute', 'UDPRoute'] as const)('%s', (kind) => {
    const id = kind.slice(0, 3).toLowerCase();
    test.each([
      ['ParentRefPortAndSectionName', 'parts', 9001, 'one'],
      ['ParentRefPortAndSectionName', 'parts', 9002, 'two'],
      ['ParentRefPortAndSectionName', 'parts', 9003, 'three'],
      ['ParentRefAttachAll', 'all', 9001, 'one'],
      ['ParentRefAttachAll', 'all', 9002, 'one'],
      ['ParentRefAttachAll', 'all', 9003, 'one'],
      ['InvalidBackendRefNonexistent', 'others', 9002, ''],
      ['InvalidCrossNamespaceBackendRef', 'others', 9003, ''],
    ])(`${kind}%s: %s %i -> %s`, async (_test, name, port, expected) => {
      expect(await over(kind, name, port)).toBe(expected);
    });

    test.each([
      ['InvalidBackendRefNonexistent', 'nobody', 'ResolvedRefs', 'BackendNotFound'],
      ['InvalidCrossNamespaceBackendRef', 'far', 'ResolvedRefs', 'RefNotPermitted'],
      ['InvalidReferenceGrant', 'far', 'ResolvedRefs', 'RefNotPermitted'],
      [`InvalidNon${id.toUpperCase()}Listener`, 'on-http', 'Accepted', 'NotAllowedByListeners'],
      ['ParentRefAttachAll', 'all', 'Accepted', 'Accepted'],
    ])(`${kind}%s: %s says %s %s`, async (_test, name, type, reason) => {
      await routeTells(cluster, kind, `${id}-${name}`, type, reason);
    });

    test(`${kind}ParentRefAttachAll: each listener counts it`, async () => {
      await eventually('all are counted', async () => {
        const { status } = await cluster.client.get<Gateway>(gatewayResource('Gateway'), `${id}-all`, 'default');
        expect(status?.listeners?.map(({ attachedRoutes }) => attachedRoutes)).toEqual([1, 1, 1]);
      });
    });

    test(`${kind}WeightedRouting: seven of ten go to one, and three to the other`, async () => {
      const heard: string[] = [];
      for (let i = 0; i < 100; i++) heard.push(await over(kind, 'others', 9001));
      const share = (name: string): number => heard.filter((one) => one === name).length;
      expect(share('one') + share('two')).toBe(100);
      expect(Math.abs(share('one') - 70)).toBeLessThanOrEqual(5);
    });

    test(`${kind}ReferenceGrant: a grant lets a backend of another namespace in`, async () => {
      await cluster.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: ${id}, namespace: team }
spec: { from: [{ group: gateway.networking.k8s.io, kind: ${kind}, namespace: default }], to: [{ group: "", kind: Service, name: far }] }`);
      await routeTells(cluster, kind, `${id}-far`, 'ResolvedRefs', 'ResolvedRefs');
      await eventually('it is served', async () => expect(await over(kind, 'others', 9003)).toBe('three'));
    });
  });

  const calling = async <T>(host: string, call: (client: EchoClient) => Promise<T>): Promise<T> => {
    const client = new EchoClient(`${await addressOf(cluster, 'calls')}:8080`, host);
    try {
      return await call(client);
    } finally {
      client.close();
    }
  };
  const count = (): number[] => rpcs.map(({ calls }) => calls);

  test('GRPCExactMethodMatching, GRPCRouteNamedRule: calls go by service and method, and to nobody without a rule', async () => {
    const before = count();
    await calling('methods.calls.example', async (client) => {
      expect((await client.unary('hello')).value).toBe('hello');
      expect(await client.collect(['a', 'b'])).toBe('ab');
    });
    expect(count()[0]).toBe((before[0] ?? 0) + 1);
    await calling('methods.calls.example', (client) =>
      expect(client.unary('hello', { path: '/test.Echo/Other' })).rejects.toMatchObject({ code: 12 }),
    );
  });

  test('GRPCRouteHeaderMatching, GRPCRouteRequestHeaderModifier: headers choose a rule, and are edited', async () => {
    await calling('headers.calls.example', async (client) => {
      await expect(client.unary('hello')).rejects.toMatchObject({ code: 12 });
      const asked = new Metadata();
      asked.set('version', 'one');
      const { value, metadata } = await client.unary('hello', { metadata: asked });
      expect([value, metadata?.get('x-sent'), metadata?.get('version')]).toEqual(['hello', ['gateway'], []]);
    });
  });

  test('GRPCRouteWeight: seven of ten calls go to one, and three to the other', async () => {
    const before = count();
    await calling('weights.calls.example', async (client) => {
      for (let i = 0; i < 100; i++) await client.unary('hello');
    });
    const [one = 0, two = 0] = count().map((calls, at) => calls - (before[at] ?? 0));
    expect(one + two).toBe(100);
    expect(Math.abs(one - 70)).toBeLessThanOrEqual(5);
  });

  test('GRPCRouteListenerHostnameMatching: the listener of the host has its routes alone', async () => {
    const before = count()[1] ?? 0;
    await calling('one.calls.test', async (client) => expect((await client.unary('hello')).value).toBe('hello'));
    expect(count()[1]).toBe(before + 1);
    await calling('two.calls.test', (client) => expect(client.unary('hello')).rejects.toMatchObject({ code: 12 }));
  });
});
