// How a client's certificate is written into a header that it must not be able to break out of.
import { describe, expect, it } from 'vitest';
import { alternativeNames, forwardedCertificate } from './client-certificate.ts';

const line = (subject: string, subjectAltName: string): string =>
  forwardedCertificate({ fingerprint256: 'AB:CD', subject, subjectAltName });

describe('forwardedCertificate', () => {
  it('writes hash, subject and names in the form of Envoy', () => {
    expect(line('O=shop\nCN=web', 'DNS:web.test, URI:spiffe://shop/web, IP Address:10.0.0.1')).toBe(
      'X-Forwarded-Client-Cert: Hash=abcd;Subject="CN=web,O=shop";URI=spiffe://shop/web;DNS=web.test\r\n',
    );
  });

  it('quotes what could be taken for another field', () => {
    expect(line('CN=a \\"b\\"', 'URI:"spiffe://a\\", DNS:admin", DNS:x;Hash=1')).toBe(
      'X-Forwarded-Client-Cert: Hash=abcd;Subject="CN=a \\"b\\"";URI="spiffe://a\\", DNS:admin";DNS="x;Hash=1"\r\n',
    );
  });

  it('lets no line end through, and no more names than a header can bear', () => {
    expect(line('CN=a\r', 'DNS:a\u0000b')).not.toMatch(/[\r\n\0](?!\n?$)/);
    const many = Array.from({ length: 100 }, (_, i) => `DNS:n${i}.test`).join(', ');
    expect(line('CN=a', many).match(/DNS=/g)).toHaveLength(16);
  });
});

it('takes apart lists in which values are quoted', () => {
  expect(alternativeNames('DNS:a.test, URI:"x, DNS:b", IP Address:::1')).toEqual([
    { kind: 'DNS', value: 'a.test' },
    { kind: 'URI', value: 'x, DNS:b' },
    { kind: 'IP Address', value: '::1' },
  ]);
});
