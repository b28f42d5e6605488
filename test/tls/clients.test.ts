// TLS as others speak it: openssl and curl as clients of the gateway, openssl as its backend.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Gateways, type TestGateway } from '#test/support/gateway.ts';
import { type Finished, run } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';

const gateways = new Gateways();
const closing: Array<() => void> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await gateways.close();
});

let root: Authority;
let server: KeyPair;
beforeEach(async () => {
  root = await createAuthority({ commonName: 'Root' });
  server = await root.issue({ commonName: 'a.test', dnsNames: ['a.test'], ips: ['127.0.0.1'] });
  save('root', { certPem: root.certPem, keyPem: '' });
  save('server', server);
});

const file = (name: string): string => join(gateways.dir, name);

function save(name: string, { certPem, keyPem }: KeyPair): void {
  writeFileSync(file(`${name}.pem`), certPem);
  writeFileSync(file(`${name}.key`), keyPem);
}

/** A gateway with an https listener of these settings; its backend answers with the headers it got. */
async function serve(tls = '{}', more = ''): Promise<TestGateway> {
  const app = await gateways.backend((request, response) => response.end(JSON.stringify(request.headers)));
  return gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0, protocol: https, tls: ${tls} ${more} }
certificates: { a: { hostnames: [a.test], certificateFile: server.pem, keyFile: server.key } }
virtualHosts: { all: { hostname: '*', routes: [{ path: /, action: app }] } }
clusters: { app: { endpoints: ['${app}'] } }
`);
}

const portOf = (gateway: TestGateway, name = 'web'): string => /:(\d+)$/.exec(gateway.url(name))?.[1] ?? '';

function curl(gateway: TestGateway, ...args: readonly string[]): Promise<Finished> {
  const port = portOf(gateway);
  const place = ['--resolve', `a.test:${port}:127.0.0.1`, '--cacert', file('root.pem')];
  return run('curl', ['-sS', '--max-time', '20', ...place, ...args, `https://a.test:${port}/`]);
}

function sClient(gateway: TestGateway, ...args: readonly string[]): Promise<Finished> {
  const place = ['-connect', `127.0.0.1:${portOf(gateway)}`, '-servername', 'a.test', '-CAfile', file('root.pem')];
  return run('openssl', ['s_client', ...place, '-verify_return_error', '-ign_eof', ...args], {
    input: 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n',
  });
}

describe.runIf(hasTool('openssl', 'TLS with openssl s_client'))('openssl s_client', () => {
  for (const version of ['tls1_2', 'tls1_3']) {
    it(`takes its session from one connection to the next, ${version}`, async () => {
      const gateway = await serve();
      const first = await sClient(gateway, `-${version}`, '-sess_out', file('session'));
      expect(first.stdout).toMatch(/^New, TLSv1\.\d/m);
      expect(first.stdout).toContain('HTTP/1.1 200 OK');
      const again = await sClient(gateway, `-${version}`, '-sess_in', file('session'));
      expect(again.stdout).toMatch(/^Reused, TLSv1\.\d/m);
      expect(again.stdout).toContain('HTTP/1.1 200 OK');
    });
  }

  it('is refused with a version, a name or a renegotiation that is not served', async () => {
    const gateway = await serve('{ minVersion: TLSv1.3 }');
    const old = await sClient(gateway, '-tls1_2');
    expect(`${old.stderr}${old.stdout}`).toMatch(/alert protocol version/);
    const stranger = await run(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${portOf(gateway)}`, '-servername', 'b.test'],
      { input: '' },
    );
    expect(`${stranger.stderr}${stranger.stdout}`).toMatch(/unrecognized name/);
    const other = await serve();
    const renegotiated = await run(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${portOf(other)}`, '-servername', 'a.test', '-tls1_2'],
      {
        input: 'R\n',
      },
    );
    expect(`${renegotiated.stderr}${renegotiated.stdout}`).toMatch(/no renegotiation|RENEGOTIATING[\s\S]*error/);
  });
});

describe.runIf(hasTool('curl', 'TLS with curl'))('curl', () => {
  it('shows its certificate where one is required, and gets no answer without', async () => {
    const [clients, stranger] = await Promise.all(
      ['Clients', 'Others'].map((commonName) => createAuthority({ commonName })),
    );
    save('clients', { certPem: clients?.certPem ?? '', keyPem: '' });
    save('ann', (await clients?.issue({ commonName: 'ann', dnsNames: ['ann.test'], client: true })) ?? server);
    save('eve', (await stranger?.issue({ commonName: 'eve', client: true })) ?? server);
    const gateway = await serve('{ clientCertificates: { mode: required, caFile: clients.pem } }');
    const as = (name: string): readonly string[] => ['--cert', file(`${name}.pem`), '--key', file(`${name}.key`)];
    for (const version of ['1.2', '1.3']) {
      const ann = await curl(gateway, '--tls-max', version, ...as('ann'));
      expect([ann.code, ann.stderr]).toEqual([0, '']);
      expect(JSON.parse(ann.stdout)['x-forwarded-client-cert']).toMatch(
        /^Hash=[0-9a-f]{64};Subject="CN=ann";DNS=ann\.test$/,
      );
      for (const args of [as('eve'), []]) {
        const refused = await curl(gateway, '--tls-max', version, ...args);
        expect([refused.code === 0, refused.stdout]).toEqual([false, '']);
      }
    }
  });

  it('speaks with the versions and ciphers of the listener, over HTTP/2 too', async () => {
    const gateway = await serve('{ maxVersion: TLSv1.2, ciphers: ECDHE-ECDSA-CHACHA20-POLY1305 }');
    const said = await curl(gateway, '-v', '--http2');
    expect(said.stderr).toMatch(/SSL connection using TLSv1\.2 \/ ECDHE-ECDSA-CHACHA20-POLY1305/);
    expect(said.stderr).toMatch(/< HTTP\/2 200/);
    const other = await curl(gateway, '--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256');
    expect(other.code).toBe(35);
  });
});

describe.runIf(hasTool('openssl', 'TLS with openssl s_server'))('openssl s_server', () => {
  it('is passed on to by server name, and met with a certificate by a gateway that ends TLS', async () => {
    save('client', await root.issue({ commonName: 'gateway', client: true }));
    const backendPort = await freePort();
    const backend = spawn(
      'openssl',
      [
        's_server',
        '-accept',
        `127.0.0.1:${backendPort}`,
        '-cert',
        file('server.pem'),
        '-key',
        file('server.key'),
        '-CAfile',
        file('root.pem'),
        '-Verify',
        '1',
        '-www',
      ],
      { stdio: 'ignore' },
    );
    closing.push(() => backend.kill('SIGKILL'));
    const gateway = await gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0, protocol: tls, passthrough: [{ hostnames: [a.test], clusters: [app] }] }
  plain: { address: 127.0.0.1, port: 0 }
virtualHosts: { all: { hostname: '*', routes: [{ path: /, action: secure }] } }
clusters:
  app: { upstreamProtocol: tcp, endpoints: ['127.0.0.1:${backendPort}'] }
  secure:
    endpoints: ['127.0.0.1:${backendPort}']
    tls: { serverName: a.test, caFile: root.pem, clientCertificate: { certificateFile: client.pem, keyFile: client.key } }
`);
    const known = ['--cert', file('client.pem'), '--key', file('client.key')];
    await eventually('the backend answers through the gateway', async () => {
      const direct = await curl(gateway, '--http1.1', ...known);
      if (direct.code !== 0) throw new Error(direct.stderr);
      expect(direct.stdout).toContain('s_server -accept');
    });
    const ended = await run('curl', ['-sS', '--max-time', '20', `${gateway.url('plain')}/`]);
    expect(ended.stdout).toMatch(/CN ?= ?gateway/);
    expect(
      (
        await curl(
          gateway,
          '--http1.1',
          '--resolve',
          `b.test:${portOf(gateway)}:127.0.0.1`,
          `https://b.test:${portOf(gateway)}/`,
        )
      ).code,
    ).not.toBe(0);
  });
});
