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
    expect(table.find(name)[0]?.name).toBe(expected);
  });

  it('has none for a name that nobody serves, unless there is a default', () => {
    expect(tableOf(certificate('shop', 'shop.local')).find('other.local')).toEqual([]);
  });

  it('gives all that serve one hostname, by name', () => {
    const two = tableOf(certificate('b', 'x.local', 'y.local'), certificate('a', 'x.local', 'y.local'));
    expect(two.find('x.local').map(({ name }) => name)).toEqual(['a', 'b']);
    // What hangs on the list is made once for both hostnames.
    expect(two.find('y.local')).toBe(two.find('x.local'));
  });

  it('keeps the list of certificates that are published again unchanged, and no other', () => {
    const again = table.with(new Map([['shop', certificate('shop', 'shop.local')]]));
    expect(again.find('shop.local')).toBe(table.find('shop.local'));
    const changed = table.with(new Map([['shop', { ...certificate('shop', 'shop.local'), fingerprint: 'new' }]]));
    expect(changed.find('shop.local')).not.toBe(table.find('shop.local'));
    expect(changed.find('api.shop.local')).toBe(table.find('api.shop.local'));
  });

  it('keeps the object of a certificate that did not change', () => {
    const next = table.with(new Map([['wild', undefined]]));
    expect(next.find('shop.local')).toBe(table.find('shop.local'));
    expect(next.find('www.shop.local')[0]?.name).toBe('default');
    expect(table.find('www.shop.local')[0]?.name).toBe('wild');
  });

  it('shows no key, although the update came as a plain clone', () => {
    const found = tableOf(structuredClone(certificate('shop', 'shop.local'))).find('shop.local')[0];
    expect(JSON.stringify(found)).not.toContain('key of shop');
    expect(found?.privateKeyPem.value).toBe('key of shop');
  });
});
