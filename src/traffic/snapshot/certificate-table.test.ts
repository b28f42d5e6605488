// Which certificate a server name gets, and that its key stays out of sight.
// Certificates here are names only; no TLS is spoken.
import { describe, expect, it } from 'vitest';
import type { Certificate } from '#traffic/model/ir.ts';
import { CertificateTable } from './certificate-table.ts';

function certificate(name: string, ...hostnames: string[]): Certificate {
  return {
    name,
    hostnames,
    certificateChainPem: `chain of ${name}`,
    privateKeyPem: { value: `key of ${name}`, private: true },
    fingerprint: name,
  };
}

function tableOf(...certificates: Certificate[]): CertificateTable {
  return CertificateTable.empty.with(new Map(certificates.map((one) => [one.name, one])));
}

describe('certificate table', () => {
  const table = tableOf(
    certificate('default'),
    certificate('shop', 'shop.local'),
    certificate('wild', '*.shop.local'),
    certificate('api', 'api.shop.local'),
  );

  it.each([
    ['shop.local', 'shop'],
    ['Shop.Local', 'shop'],
    ['api.shop.local', 'api'],
    ['www.shop.local', 'wild'],
    ['a.b.shop.local', 'default'],
    ['other.local', 'default'],
    [undefined, 'default'],
  ])('gives %s the certificate "%s"', (name, expected) => {
    expect(table.find(name)?.name).toBe(expected);
  });

  it('has none for a name that nobody serves, unless there is a default', () => {
    expect(tableOf(certificate('shop', 'shop.local')).find('other.local')).toBeUndefined();
  });

  it('takes the first by name where two serve one hostname', () => {
    expect(tableOf(certificate('b', 'x.local'), certificate('a', 'x.local')).find('x.local')?.name).toBe('a');
  });

  it('keeps the object of a certificate that did not change', () => {
    const next = table.with(new Map([['wild', undefined]]));
    expect(next.find('shop.local')).toBe(table.find('shop.local'));
    expect(next.find('www.shop.local')?.name).toBe('default');
    expect(table.find('www.shop.local')?.name).toBe('wild');
  });

  it('shows no key, although the update came as a plain clone', () => {
    const found = tableOf(structuredClone(certificate('shop', 'shop.local'))).find('shop.local');
    expect(JSON.stringify(found)).not.toContain('key of shop');
    expect(found?.privateKeyPem.value).toBe('key of shop');
  });
});
