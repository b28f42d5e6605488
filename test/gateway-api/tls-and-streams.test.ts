// TLS of every kind, TCP, UDP and gRPC through Gateways, over real connections.
// Knows the API from the outside; backends are servers of the test.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';
import { EchoClient, type EchoServer, echoServer } from '../grpc/echo-service.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { type HttpApp, httpApp } from './http-app.ts';
import { addressOf, answers, authorities, gateway, httpRoute, routeTells, secret, serviceOf } from './kit.ts';

const PATIENT = { timeout: 60_000 };

function route(kind: string, name: string, parent: string, hostnames: string, backend: string): string {
  return `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name} }
spec: { parentRefs: [${parent}], ${hostnames}rules: [{ backendRefs: [{ name: ${backend}, port: 80 }] }] }`;
}

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

describe('TLS, TCP, UDP and gRPC', PATIENT, () => {
  let root: Authority;
  let clients: Authority;
  let cluster: TestCluster;
  let web: HttpApp;
  let rpc: EchoServer;
  let udp: UdpSocket;
  let address: string;
  const servers: Server[] = [];

  beforeAll(async () => {
    [root, clients] = await Promise.all([
      createAuthority({ commonName: 'Root' }),
      createAuthority({ commonName: 'Clients' }),
    ]);
    const [own, second, theirs, mine] = await Promise.all([
      root.issue({ commonName: 'web', dnsNames: ['web.example', '*.wild.example', 'raw.example'] }),
      root.issue({ commonName: 'second', dnsNames: ['second.example'] }),
      root.issue({ commonName: 'vault', dnsNames: ['vault.example', 'vault.internal'] }),
      clients.issue({ commonName: 'gateway', client: true }),
    ]);
    web = await httpApp('web');
    rpc = await echoServer();
    const vault = createTlsServer({ cert: theirs.certPem, key: theirs.keyPem }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('vault'));
    });
    const inner = createHttpsServer(
      { cert: theirs.certPem, key: theirs.keyPem, ca: clients.certPem, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const socket = request.socket as TLSSocket;
        response.end(JSON.stringify({ name: socket.servername, client: socket.authorized }));
      },
    );
    const echo = createTcpServer((socket) => void socket.on('error', () => {}).pipe(socket));
    servers.push(vault, inner, echo);
    udp = createSocket('udp4', (message, from) => udp.send(`echo ${message}`, from.port, from.address));
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    const policy = (name: string, host: string, more = ''): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name} }
spec:
  targetRefs: [{ group: "", kind: Service, name: ${name} }]
  validation: { hostname: ${host}, caCertificateRefs: [{ group: "", kind: ConfigMap, name: root }]${more} }`;
    const https = (name: string, port: number, host: string, cert: string): string =>
      `{ name: ${name}, protocol: HTTPS, port: ${port}${host === '' ? '' : `, hostname: "${host}"`}, tls: { certificateRefs: [{ name: ${cert} }] } }`;
    const listeners = [
      https('web', 8443, 'web.example', 'own'),
      https('wild', 8443, '*.wild.example', 'own'),
      https('second', 8443, 'second.example', 'second'),
      '{ name: passed, protocol: TLS, port: 8443, hostname: "vault.example", tls: { mode: Passthrough } }',
      '{ name: ended, protocol: TLS, port: 8443, hostname: "raw.example", tls: { mode: Terminate, certificateRefs: [{ name: own }] } }',
      https('mutual', 9443, '', 'own'),
      https('lenient', 9444, '', 'own'),
      '{ name: http, protocol: HTTP, port: 8080 }',
      '{ name: tcp, protocol: TCP, port: 5432 }',
      '{ name: udp, protocol: UDP, port: 5353 }',
    ].join(', ');
    const frontend = (mode: string): string =>
      `{ validation: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: clients }]${mode} } }`;
    const settings = `, tls: { backend: { clientCertificateRef: { name: mine } }, frontend: { default: {}, perPort: [{ port: 9443, tls: ${frontend('')} }, { port: 9444, tls: ${frontend(', mode: AllowInsecureFallback')} }] } }`;
    const shop = '{ name: shop }';
    cluster = await startCluster(['-'], {
      input: [
        serviceOf('web', web.port).slice(4),
        serviceOf('vault', await listening(vault)),
        serviceOf('inner', await listening(inner)),
        serviceOf('wrong', (inner.address() as AddressInfo).port),
        serviceOf('tcp', await listening(echo)),
        serviceOf('udp', udp.address().port, 'protocol: UDP'),
        serviceOf('rpc', Number(rpc.address.split(':')[1])),
        ...[['own', own] as const, ['second', second] as const, ['mine', mine] as const].map(([name, pair]) =>
          secret(name, pair),
        ),
        authorities('root', root.certPem),
        authorities('clients', clients.certPem),
        gateway('shop', listeners, settings),
        httpRoute(
          'web',
          shop,
          '[{ backendRefs: [{ name: web, port: 80 }] }]',
          '  hostnames: [web.example, "*.wild.example", second.example, any.example]',
        ),
        httpRoute(
          'inner',
          '{ name: shop, sectionName: http }',
          '[{ backendRefs: [{ name: inner, port: 80 }] }]',
          '  hostnames: [inner.example]',
        ),
        httpRoute(
          'wrong',
          '{ name: shop, sectionName: http }',
          '[{ backendRefs: [{ name: wrong, port: 80 }] }]',
          '  hostnames: [wrong.example]',
        ),
        route('TLSRoute', 'vault', '{ name: shop, sectionName: passed }', 'hostnames: [vault.example], ', 'vault'),
        route('TLSRoute', 'raw', '{ name: shop, sectionName: ended }', 'hostnames: [raw.example], ', 'tcp'),
        route('TCPRoute', 'tcp', '{ name: shop, sectionName: tcp }', '', 'tcp'),
        route('UDPRoute', 'udp', '{ name: shop, sectionName: udp }', '', 'udp'),
        `
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: rpc }
spec:
  parentRefs: [{ name: shop, sectionName: http }]
  hostnames: [rpc.example]
  rules:
    - matches: [{ method: { service: test.Echo, method: Unary } }]
      backendRefs: [{ name: rpc, port: 80 }]
    - matches: [{ method: { service: test.Echo, method: Collect } }]
      backendRefs: [{ name: gone, port: 80 }]`,
        policy('inner', 'vault.internal'),
        policy('wrong', 'other.internal'),
      ].join(''),
    });
    address = await addressOf(cluster, 'shop');
    await answers(`http://${address}:8080/`, 200, { host: 'any.example' });
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    web?.close();
    rpc?.close();
    udp?.close();
    for (const server of servers) server.close();
  }, 30_000);

  test('each listener of a port shows its own certificate, wildcards of any depth among them', async () => {
    const url = `https://${address}:8443/`;
    for (const host of ['web.example', 'a.wild.example', 'second.example']) {
      expect((await answers(url, 200, { host, ca: root.certPem })).text).toContain('"app":"web"');
    }
    await expect(ask(url, { host: 'nobody.example', ca: root.certPem })).rejects.toThrow();
  });

  test('a request for the host of another listener is misdirected', async () => {
    const socket = connectTls({ host: address, port: 8443, servername: 'web.example', ca: root.certPem });
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: second.example\r\nConnection: close\r\n\r\n');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 421/);
    socket.destroy();
  });

  test('TLS passes through, and ends around bytes, on the port of HTTPS', async () => {
    const talk = async (servername: string, text: string): Promise<string> => {
      const socket = connectTls({ host: address, port: 8443, servername, ca: root.certPem });
      socket.write(text);
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return bytes.toString();
    };
    expect(await talk('vault.example', 'hello')).toBe('vault');
    expect(await talk('raw.example', 'hello')).toBe('hello');
  });

  test('clients show certificates where they have to, and backends hear of good ones only', async () => {
    const good = await clients.issue({ commonName: 'alice', client: true });
    const bad = await root.issue({ commonName: 'mallory', client: true });
    const question = { servername: 'web.example', ca: root.certPem };
    const talk = async (port: number, pair: KeyPair | undefined): Promise<string> => {
      const own = pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem };
      const socket = connectTls({ host: address, port, ...question, ...own });
      let text = '';
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      socket.on('error', () => {});
      socket.write('GET / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n');
      await new Promise<void>((resolve) => socket.on('close', () => resolve()));
      return text;
    };
    expect(await talk(9443, good)).toContain('x-forwarded-client-cert');
    expect(await talk(9443, undefined)).not.toMatch(/^HTTP/);
    expect(await talk(9443, bad)).not.toMatch(/^HTTP/);
    const lenient = await talk(9444, bad);
    expect(lenient).toMatch(/^HTTP\/1\.1 200/);
    expect(lenient).not.toContain('x-forwarded-client-cert');
    expect(await talk(9444, undefined)).toMatch(/^HTTP\/1\.1 200/);
  });

  test('TLS is spoken with a backend that a policy names, which sees our certificate, and no other is believed', async () => {
    const url = `http://${address}:8080/`;
    const { text } = await answers(url, 200, { host: 'inner.example' });
    expect(JSON.parse(text)).toEqual({ name: 'vault.internal', client: true });
    expect((await ask(url, { host: 'wrong.example' })).status).toBeGreaterThanOrEqual(500);
  });

  test('TCP and UDP go to their backends', async () => {
    const socket = connectTcp(5432, address);
    socket.write('hello');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('hello');
    socket.destroy();
    const client = createSocket('udp4');
    const heard = once(client, 'message') as Promise<[Buffer]>;
    client.send('hello', 5353, address);
    expect((await heard)[0].toString()).toBe('echo hello');
    client.close();
  });

  test('calls of gRPC go by service and method, and one without a backend is unavailable', async () => {
    const client = new EchoClient(`${address}:8080`, 'rpc.example');
    try {
      const { value } = await eventually('a call comes back', () => client.unary('hello'));
      expect(value).toBe('hello');
      await expect(client.collect(['one'])).rejects.toMatchObject({ code: 14 });
    } finally {
      client.close();
    }
    expect(await routeTells(cluster, 'GRPCRoute', 'rpc', 'ResolvedRefs', 'BackendNotFound')).toContain(
      '"default/gone"',
    );
  });
});
