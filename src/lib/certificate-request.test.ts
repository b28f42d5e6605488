// Requests for certificates as others write them: names come out as they went in, and nothing else is taken for one.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCertificateRequest } from './certificate-request.ts';
import { DER, derChildren, derValues } from './der.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const ALGORITHMS = [
  { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  { name: 'Ed25519' },
];

async function request(name: string, names: x509.JsonGeneralName[] = [], algorithm = ALGORITHMS[0]): Promise<string> {
  const keys = (await webcrypto.subtle.generateKey(algorithm as never, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm as never,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  });
  return made.toString('pem');
}

test.each(ALGORITHMS)('a request with a key of $name $namedCurve is read', async (algorithm) => {
  const pem = await request(
    'CN=system:node:n1, O=system:nodes, O=others',
    [
      { type: 'dns', value: 'n1.example.com' },
      { type: 'ip', value: '192.0.2.7' },
      { type: 'ip', value: '2001:db8::1' },
      { type: 'email', value: 'a@example.com' },
      { type: 'url', value: 'spiffe://cluster.local/ns/a' },
    ],
    algorithm,
  );
  expect(readCertificateRequest(pem)).toEqual({
    commonName: 'system:node:n1',
    organizations: ['system:nodes', 'others'],
    dnsNames: ['n1.example.com'],
    ips: ['192.0.2.7', '2001:db8:0:0:0:0:0:1'],
    emails: ['a@example.com'],
    uris: ['spiffe://cluster.local/ns/a'],
  });
});

test('what is no request, or was changed, is refused', async () => {
  expect(() => readCertificateRequest('')).toThrow('PEM block type must be CERTIFICATE REQUEST');
  const pem = await request('CN=jane');
  expect(() => readCertificateRequest(pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'))).toThrow(
    'PEM block type must be CERTIFICATE REQUEST',
  );
  const bytes = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
  const wrapped = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  const changed = Buffer.from(bytes);
  changed.write('joan', bytes.indexOf('jane'));
  expect(() => readCertificateRequest(wrapped(changed))).toThrow('the signature is not that of the key in the request');
  // What is signed; around it stand the signature, and words that no reader needs.
  const signed = derChildren(derValues(bytes)[0], DER.sequence)[0]?.whole ?? bytes;
  const from = bytes.indexOf(signed);
  fc.assert(
    fc.property(
      fc.integer({ min: from, max: from + signed.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      (at, octet) => {
        const other = Buffer.from(bytes);
        other[at] = octet;
        fc.pre(!other.equals(bytes));
        expect(() => readCertificateRequest(wrapped(other))).toThrow(/malformed|signature/);
      },
    ),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
      expect(() => readCertificateRequest(wrapped(Buffer.from(random)))).toThrow(Error);
    }),
  );
});
