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
    expect(table.find('https', name)[0]?.name).toBe(expected);
  });

  it('has none for a name that nobody serves, unless there is a default', () => {
    expect(tableOf(certificate('shop', 'shop.local')).find('https', 'other.local')).toEqual([]);
  });

  it('gives all that serve one hostname, by name', () => {
    const two = tableOf(certificate('b', 'x.local', 'y.local'), certificate('a', 'x.local', 'y.local'));
    expect(two.find('https', 'x.local').map(({ name }) => name)).toEqual(['a', 'b']);
    // What hangs on the list is made once for both hostnames.
    expect(two.find('https', 'y.local')).toBe(two.find('https', 'x.local'));
  });

  it('keeps the list of certificates that are published again unchanged, and no other', () => {
    const again = table.with(new Map([['shop', certificate('shop', 'shop.local')]]));
    expect(again.find('https', 'shop.local')).toBe(table.find('https', 'shop.local'));
    const changed = table.with(new Map([['shop', { ...certificate('shop', 'shop.local'), fingerprint: 'new' }]]));
    expect(changed.find('https', 'shop.local')).not.toBe(table.find('https', 'shop.local'));
    expect(changed.find('https', 'api.shop.local')).toBe(table.find('https', 'api.shop.local'));
  });

  it('keeps the object of a certificate that did not change', () => {
    const next = table.with(new Map([['wild', undefined]]));
    expect(next.find('https', 'shop.local')).toBe(table.find('https', 'shop.local'));
    expect(next.find('https', 'www.shop.local')[0]?.name).toBe('default');
    expect(table.find('https', 'www.shop.local')[0]?.name).toBe('wild');
  });

  it('shows no key, although the update came as a plain clone', () => {
    const found = tableOf(structuredClone(certificate('shop', 'shop.local'))).find('https', 'shop.local')[0];
    expect(JSON.stringify(found)).not.toContain('key of shop');
    expect(found?.privateKeyPem.value).toBe('key of shop');
  });

  it('gives a listener that certificates name those alone, with wildcards of any depth', () => {
    const own = { ...certificate('gateway', '*.shop.local'), listeners: ['gateway/a'] };
    const two = tableOf(certificate('default'), certificate('shop', 'shop.local'), own);
    expect(two.find('gateway/a', 'a.b.shop.local')[0]?.name).toBe('gateway');
    expect(two.find('gateway/a', 'shop.local')).toEqual([]);
    expect(two.find('https', 'www.shop.local')[0]?.name).toBe('default');
    expect(two.find('gateway/b', 'shop.local')[0]?.name).toBe('shop');
  });
});
