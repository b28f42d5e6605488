// Reading of real certificates, made by the project's own authority.
// Knows nothing of Secrets; PEM texts go in as they would come from one.
import { describe, expect, it } from 'vitest';
import { createAuthority } from '#traffic/identity/authority.ts';
import { createCertificateReader } from './read-certificate.ts';

const authority = await createAuthority({ commonName: 'test' });
const shop = await authority.issue({
  commonName: 'shop.local',
  dnsNames: ['shop.local', '*.shop.local'],
  ips: ['127.0.0.1'],
  server: true,
});
const other = await authority.issue({ commonName: 'other.local', dnsNames: ['other.local'], server: true });

describe('certificate reader', () => {
  const read = createCertificateReader();

  it('names the hosts and tells pairs apart', () => {
    const facts = read(shop.certPem, shop.keyPem);
    expect(facts).toMatchObject({ hostnames: ['shop.local', '*.shop.local', '127.0.0.1'] });
    expect(read(shop.certPem, shop.keyPem)).toEqual(facts);
    expect(read(other.certPem, other.keyPem)).not.toMatchObject({
      fingerprint: (facts as { fingerprint: string }).fingerprint,
    });
  });

  it('refuses a key that belongs to another certificate', () => {
    expect(read(shop.certPem, other.keyPem)).toEqual({ error: expect.stringContaining('key of another certificate') });
  });

  it.each([
    ['no certificate', 'nonsense', shop.keyPem, 'no PEM certificate'],
    ['no key', shop.certPem, 'nonsense', 'no usable PEM key'],
  ])('refuses %s', (_what, chain, key, message) => {
    expect(read(chain, key)).toEqual({ error: expect.stringContaining(message) });
  });
});
