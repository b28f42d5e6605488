// TLS between real clients and the whole engine: what is agreed on, who is let in, and what backends hear of it.
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';
import type { Certificate, ListenerTls } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { certificate, cluster, endpoint, listener, route, update } from '../testing/model.ts';
import { httpBackend, RawClient } from '../testing/peers.ts';
import { ask, secure } from '../testing/tls-client.ts';

const harness = new Harness();
afterEach(() => harness.close());

let root: Authority;
let clients: Authority;
let server: KeyPair;
beforeAll(async () => {
  [root, clients] = await Promise.all([
    createAuthority({ commonName: 'Root' }),
    createAuthority({ commonName: 'Clients' }),
  ]);
  server = await root.issue({ commonName: 'a.test', dnsNames: ['a.test', 'b.test'] });
});

const pems = ({ certPem, keyPem }: KeyPair): { cert: string; key: string } => ({ cert: certPem, key: keyPem });
const trust = (): { ca: string; servername: string } => ({ ca: root.certPem, servername: 'a.test' });

/** HTTPS listeners by name with these settings, in front of a backend that says which headers it got. */
async function start(
  listeners: Record<string, ListenerTls | undefined>,
  certificates: readonly Certificate[] = [certificate('shop', ['a.test', 'b.test'], pems(server))],
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const engine = await harness.engine(options);
  const web = await harness.backend(httpBackend((request, response) => response.end(JSON.stringify(request.headers))));
  engine.publish(
    update({
      listeners: new Map(
        Object.entries(listeners).map(([name, tls]) => [
          name,
          { ...listener(name, 'https'), ...(tls === undefined ? {} : { tls }) },
        ]),
      ),
      certificates: new Map(certificates.map((one) => [one.name, one])),
      virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes: [route('web')] }]]),
      clusters: new Map([['web', cluster('web')]]),
      endpoints: new Map([['web', [endpoint(web.port)]]]),
    }),
  );
  await engine.ready();
  return engine;
}

describe('versions and ciphers', () => {
  it('are those of the listener', async () => {
    const engine = await start({
      old: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
      new: { minVersion: 'TLSv1.3', ciphers: 'TLS_CHACHA20_POLY1305_SHA256' },
    });
    const old = await ask(portOf(engine, 'old'), trust());
    expect([old.status, old.version, old.cipher]).toEqual([200, 'TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384']);
    const young = await ask(portOf(engine, 'new'), trust());
    expect([young.status, young.version, young.cipher]).toEqual([200, 'TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256']);
    await expect(ask(portOf(engine, 'new'), { ...trust(), maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
    const other = { ...trust(), ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' as const };
    await expect(ask(portOf(engine, 'old'), other)).rejects.toThrow(/handshake failure/);
    const metrics = await engine.metricsText();
    expect(metrics).toContain('evenkeel_tls_handshakes_total{listener="old",version="TLSv1.2",resumed="no"} 1');
    expect(metrics).toContain('evenkeel_tls_handshake_failures_total{listener="new",reason="protocol_version"} 1');
    expect(metrics).toContain('evenkeel_tls_handshake_failures_total{listener="old",reason="no_shared_cipher"} 1');
  });

  it('change with the listener, without closing what is open', async () => {
    const engine = await start({ https: undefined });
    const port = portOf(engine, 'https');
    const open = new RawClient(0, '', await secure(port, { ...trust(), maxVersion: 'TLSv1.2' }));
    const tls: ListenerTls = { minVersion: 'TLSv1.3' };
    engine.publish(update({ listeners: new Map([['https', { ...listener('https', 'https', port), tls }]]) }));
    await engine.applied();
    open.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await open.until((text) => text.includes('200 OK'));
    await expect(ask(port, { ...trust(), maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
    open.destroy();
  });

  it('go with certificates of several keys: each client gets one it can use', async () => {
    const rsa = await root.issue({ commonName: 'a.test', dnsNames: ['a.test'], key: 'rsa' });
    const engine = await start({ https: undefined }, [
      certificate('shop-ecdsa', ['a.test'], pems(server)),
      certificate('shop-rsa', ['a.test'], pems(rsa)),
    ]);
    const keyTypes = ['ECDSA+SHA256', 'RSA+SHA256:RSA-PSS+SHA256'].map(async (sigalgs) => {
      const answer = await ask(portOf(engine, 'https'), { ...trust(), sigalgs, maxVersion: 'TLSv1.2' });
      return [answer.status, answer.keyType];
    });
    expect(await Promise.all(keyTypes)).toEqual([
      [200, 'ec'],
      [200, 'rsa'],
    ]);
  });
});

describe('sessions', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`resume at every worker, ${version}`, async () => {
      const engine = await start({ https: undefined }, undefined, { workers: 2 });
      const options = { ...trust(), minVersion: version, maxVersion: version };
      const first = await ask(portOf(engine, 'https'), options);
      expect([first.resumed, first.session === undefined]).toEqual([false, false]);
      // Whichever worker the kernel chooses: with twelve connections it has chosen both.
      const again = [];
      for (let i = 0; i < 12; i++)
        again.push(await ask(portOf(engine, 'https'), { ...options, session: first.session }));
      expect(again.map(({ resumed, status }) => [resumed, status])).toEqual(again.map(() => [true, 200]));
      expect(await engine.metricsText()).toContain(`version="${version}",resumed="yes"} 12`);
    });

    it(`stay with their listener and their certificate, ${version}`, async () => {
      const other = await root.issue({ commonName: 'c.test', dnsNames: ['c.test'] });
      const certificates = [
        certificate('shop', ['a.test', 'b.test'], pems(server)),
        certificate('other', ['c.test'], pems(other)),
      ];
      const rules: ListenerTls = { clientCertificates: { mode: 'optional', caPem: clients.certPem } };
      const engine = await start({ open: undefined, asking: rules }, certificates);
      const options = { ...trust(), minVersion: version, maxVersion: version };
      const { session } = await ask(portOf(engine, 'open'), options);
      const resumed = async (name: string, servername: string): Promise<boolean> =>
        (await ask(portOf(engine, name), { ...options, servername, session })).resumed;
      expect(await resumed('open', 'a.test')).toBe(true);
      expect(await resumed('open', 'c.test')).toBe(false);
      expect(await resumed('asking', 'a.test')).toBe(false);
    });
  }

  it('survive a certificate that is published again, and end with its replacement', async () => {
    const engine = await start({ https: undefined });
    const first = await ask(portOf(engine, 'https'), trust());
    const same = certificate('shop', ['a.test', 'b.test'], pems(server));
    engine.publish(update({ certificates: new Map([['shop', same]]) }));
    await engine.applied();
    expect((await ask(portOf(engine, 'https'), { ...trust(), session: first.session })).resumed).toBe(true);
    const next = await root.issue({ commonName: 'a.test', dnsNames: ['a.test'] });
    engine.publish(update({ certificates: new Map([['shop', certificate('shop', ['a.test'], pems(next))]]) }));
    await engine.applied();
    expect((await ask(portOf(engine, 'https'), { ...trust(), session: first.session })).resumed).toBe(false);
  });
});

it('no handshake fails while certificates change', async () => {
  const engine = await start({ https: undefined }, undefined, { workers: 2 });
  const pairs = await Promise.all(
    Array.from({ length: 8 }, () => root.issue({ commonName: 'a.test', dnsNames: ['a.test'] })),
  );
  let done = false;
  let count = 0;
  const client = async (): Promise<void> => {
    let session: Buffer | undefined;
    while (!done) {
      const answer = await ask(portOf(engine, 'https'), { ...trust(), ...(session === undefined ? {} : { session }) });
      expect(answer.status).toBe(200);
      session = answer.session;
      count++;
    }
  };
  const clients = Array.from({ length: 6 }, client);
  for (const pair of [...pairs, ...pairs]) {
    engine.publish(update({ certificates: new Map([['shop', certificate('shop', ['a.test'], pems(pair))]]) }));
    await engine.applied();
    const before = count;
    await expect.poll(() => count).toBeGreaterThan(before + 4);
  }
  done = true;
  await Promise.all(clients);
});

describe('client certificates', () => {
  const mtls = (mode: 'required' | 'optional', forward?: boolean): ListenerTls => ({
    clientCertificates: { mode, caPem: clients.certPem, ...(forward === undefined ? {} : { forward }) },
  });
  const person = (): Promise<KeyPair> =>
    clients.issue({
      commonName: 'Ann, Ltd',
      organizations: ['shop'],
      dnsNames: ['ann.test'],
      uris: ['spiffe://shop/ns/a,b'],
      client: true,
    });

  it('are told to backends, and what a client says of itself is not', async () => {
    const engine = await start({ https: mtls('optional'), quiet: mtls('optional', false), open: undefined });
    const pair = await person();
    const lines =
      'X-Forwarded-Client-Cert: Subject="CN=root"\r\nX_Forwarded_Client_Cert: a\r\nssl-client-verify: SUCCESS\r\n';
    const told = async (name: string, options: object): Promise<unknown> => {
      const { text } = await ask(portOf(engine, name), { ...trust(), lines, ...options });
      const headers = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, string>;
      expect(headers).not.toHaveProperty('ssl-client-verify');
      expect(headers).not.toHaveProperty('x_forwarded_client_cert');
      return headers['x-forwarded-client-cert'];
    };
    const hash = new X509Certificate(pair.certPem).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(await told('https', pems(pair))).toBe(
      `Hash=${hash};Subject="CN=Ann\\, Ltd,O=shop";URI="spiffe://shop/ns/a,b";DNS=ann.test`,
    );
    expect(await told('quiet', pems(pair))).toBeUndefined();
    expect(await told('https', {})).toBeUndefined();
    expect(await told('open', pems(pair))).toBeUndefined();
  });

  it('are demanded where they are required', async () => {
    const engine = await start({ https: mtls('required') });
    const port = portOf(engine, 'https');
    const good = pems(await person());
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await ask(port, { ...trust(), ...good, maxVersion });
      expect(first.status).toBe(200);
      // Also on a resumed session, whose handshake brings no certificate.
      const again = await ask(port, { ...trust(), ...good, maxVersion, session: first.session });
      expect([again.resumed, again.status, again.text.includes('Hash=')]).toEqual([true, 200, true]);
    }
    const foreign = await root.issue({ commonName: 'stranger', client: true });
    for (const options of [{}, pems(foreign)]) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        // TLS 1.3 clients learn of it behind the handshake.
        const outcome = await ask(port, { ...trust(), ...options, maxVersion }).then(
          ({ text }) => text,
          () => '',
        );
        expect(outcome).toBe('');
      }
    }
    const metrics = await engine.metricsText();
    expect(metrics).toContain('{listener="https",reason="client_certificate_missing"} 2');
    expect(metrics).toContain('{listener="https",reason="client_certificate_invalid"} 2');
  });

  it('may be missing where they are optional, but not bad', async () => {
    const engine = await start({ https: mtls('optional') });
    const expired = await clients.issue({ commonName: 'late', client: true, days: -0.001 });
    expect((await ask(portOf(engine, 'https'), trust())).status).toBe(200);
    const outcome = await ask(portOf(engine, 'https'), { ...trust(), ...pems(expired) }).then(
      ({ text }) => text,
      () => '',
    );
    expect(outcome).toBe('');
  });

  it('hold for the name that was asked for in the handshake, and for no other', async () => {
    const engine = await start({ https: mtls('optional'), open: undefined });
    expect((await ask(portOf(engine, 'https'), { ...trust(), hostHeader: 'b.test' })).status).toBe(421);
    // Without such rules the certificate decides.
    expect((await ask(portOf(engine, 'open'), { ...trust(), hostHeader: 'b.test' })).status).toBe(200);
    expect((await ask(portOf(engine, 'open'), { ...trust(), hostHeader: 'c.test' })).status).toBe(421);
  });
});

describe('what is no handshake', () => {
  it('is answered in its own words where that helps', async () => {
    const engine = await start({ https: undefined }, undefined, { limits: { headTimeout: 300 } });
    const port = portOf(engine, 'https');
    const plain = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect(await plain.untilClosed()).toMatch(/^HTTP\/1\.1 400 .*This port speaks HTTPS/s);
    const garbage = new RawClient(port).send('\x16\x03\x01\x00\x00');
    expect(await garbage.untilClosed()).toBe('\x15\x03\x01\x00\x02\x02\x32');
    await expect(ask(port, { ca: root.certPem, servername: 'nobody.test' })).rejects.toThrow(/unrecognized name/);
    const silent = new RawClient(port).send('\x16\x03');
    expect(await silent.untilClosed()).toBe('');
    const metrics = await engine.metricsText();
    for (const reason of ['plain_http', 'client_hello', 'no_certificate', 'timeout']) {
      expect(metrics).toContain(`{listener="https",reason="${reason}"} 1`);
    }
  });

  it('cannot shut out others: the oldest makes room', async () => {
    const engine = await start({ https: undefined }, undefined, { limits: { handshakes: 3 } });
    const port = portOf(engine, 'https');
    const silent = Array.from({ length: 5 }, () => new RawClient(port));
    expect((await ask(port, trust())).status).toBe(200);
    await Promise.all(silent.slice(0, 3).map((client) => client.untilClosed()));
    for (const client of silent) client.destroy();
  });

  it('may come in the smallest pieces', async () => {
    const engine = await start({ https: undefined });
    const slow = connect({ port: portOf(engine, 'https'), host: '127.0.0.1', noDelay: true });
    const write = slow.write.bind(slow);
    slow.write = ((bytes: Buffer) => {
      for (const byte of bytes) write(Buffer.from([byte]));
      return true;
    }) as typeof slow.write;
    const answer = await new Promise<string>((resolve, reject) => {
      // A stream of its own makes TLS write through it.
      void import('node:tls').then(({ connect: secureOver }) => {
        const socket = secureOver({ socket: slow, ...trust() }, () =>
          socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'),
        );
        socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
        socket.on('error', reject);
      });
    });
    expect(answer).toContain('200 OK');
    slow.destroy();
  });
});

it('shows no key in the dump of the model', async () => {
  const engine = await start({ https: undefined });
  const dump = JSON.stringify(await engine.configDump());
  expect(dump).toContain('[redacted]');
  expect(dump).not.toContain('PRIVATE KEY');
});
