// What making any certificate needs: the library, loaded late, a serial number, the algorithm, and PEM text that ends well.
// Knows nothing of what is certified.
import { webcrypto } from 'node:crypto';

/** Certificate and private key (PKCS #8) as PEM text. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Loaded only when something is to be made: a start with certificates on disk pays nothing for it. */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  return x509;
}

/** 127 random bits, positive, as RFC 5280 4.1.2.2 asks (at most 20 octets). */
export function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

export function pemEnd(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}
