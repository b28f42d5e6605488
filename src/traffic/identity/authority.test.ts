// What the authority signs is judged by node:crypto and by a real TLS handshake, not by the library that made it.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { createAuthority, loadAuthority, needsRenewal } from './authority.ts';

const request = { commonName: 'evenkeel', dnsNames: ['shop.local', '*.example.test'], ips: ['127.0.0.1', '::1'] };

test('a leaf carries its names, addresses and groups, and verifies against the root', async () => {
  const authority = await createAuthority({ commonName: 'Evenkeel test, root' });
  const leaf = await authority.issue({ ...request, organizations: ['system:masters'], client: true, server: true });
  const certificate = new X509Certificate(leaf.certPem);
  const root = new X509Certificate(authority.certPem);
  expect(certificate.verify(root.publicKey)).toBe(true);
  expect(certificate.checkIssued(root)).toBe(true);
  expect(root.ca).toBe(true);
  expect(root.subject).toBe('CN=Evenkeel test\\, root');
  expect(certificate.ca).toBe(false);
  expect(certificate.subject).toBe('O=system:masters\nCN=evenkeel');
  expect(certificate.checkHost('shop.local')).toBe('shop.local');
  expect(certificate.checkHost('a.example.test')).toBe('*.example.test');
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate.checkIP('::1')).toBeDefined();
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

test('server and client meet over TLS, each checking the other', async () => {
  const authority = await createAuthority({ commonName: 'Root' });
  const [server, client] = await Promise.all([
    authority.issue({ commonName: 'server', dnsNames: ['shop.local'] }),
    authority.issue({ commonName: 'admin', organizations: ['system:masters'], client: true }),
  ]);
  const listener = createServer(
    { cert: server.certPem, key: server.keyPem, ca: authority.certPem, requestCert: true, rejectUnauthorized: true },
    (socket: TLSSocket) => socket.end(String(socket.getPeerCertificate().subject.O)),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'shop.local',
    ca: authority.certPem,
    cert: client.certPem,
    key: client.keyPem,
  });
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toBe('system:masters');
  listener.close();
});

test('an authority is taken up again from its text, and a foreign key is refused', async () => {
  const [first, second] = await Promise.all([
    createAuthority({ commonName: 'A' }),
    createAuthority({ commonName: 'B' }),
  ]);
  const again = loadAuthority({ certPem: first.certPem, keyPem: first.keyPem });
  const leaf = await again.issue(request);
  expect(new X509Certificate(leaf.certPem).verify(new X509Certificate(first.certPem).publicKey)).toBe(true);
  expect(() => loadAuthority({ certPem: first.certPem, keyPem: second.keyPem })).toThrow(/does not belong/);
});

test('renewal is due near the end, for other names, for another root, and for text that is no certificate', async () => {
  const [authority, other] = await Promise.all([
    createAuthority({ commonName: 'A' }),
    createAuthority({ commonName: 'B' }),
  ]);
  const { certPem } = await authority.issue({ ...request, days: 90 });
  const now = Date.now();
  const days = (count: number): number => now + count * 24 * 60 * 60 * 1000;
  expect(needsRenewal(certPem, authority, request, now)).toBe(false);
  expect(needsRenewal(certPem, authority, request, days(59))).toBe(false);
  expect(needsRenewal(certPem, authority, request, days(61))).toBe(true);
  expect(needsRenewal(certPem, authority, { ...request, dnsNames: ['other.test'] }, now)).toBe(true);
  expect(needsRenewal(certPem, authority, { ...request, ips: ['10.0.0.1'] }, now)).toBe(true);
  expect(needsRenewal(certPem, other, request, now)).toBe(true);
  expect(needsRenewal('nothing', authority, request, now)).toBe(true);
});

test('an address that is none is refused by name', async () => {
  const authority = await createAuthority({ commonName: 'A' });
  await expect(authority.issue({ commonName: 'x', ips: ['shop'] })).rejects.toThrow('"shop"');
});
