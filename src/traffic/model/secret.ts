// From a Secret of type kubernetes.io/tls to certificate and key.
// Reads no certificate itself: how that is done is handed in.
import type { Secret } from 'kubernetes-types/core/v1.js';
import type { PrivateText } from './ir.ts';
import { privateText } from './private-text.ts';

export interface CertificateFacts {
  /** DNS names and IP addresses that it is issued for. */
  readonly hostnames: readonly string[];
  /** Differs for every pair of certificate chain and key. */
  readonly fingerprint: string;
}

/** Checks that the texts are a certificate chain and its key, and says what stands in them. */
export type ReadCertificate = (
  certificateChainPem: string,
  privateKeyPem: string,
) => CertificateFacts | { readonly error: string };

export interface TlsPair extends CertificateFacts {
  readonly certificateChainPem: string;
  readonly privateKeyPem: PrivateText;
}

const TYPE = 'kubernetes.io/tls';

/** Stands for a Secret that this process may not read, whether or not it is there. */
export const UNREADABLE: Secret = Object.freeze({ apiVersion: 'v1', kind: 'Secret' });

/** The pair, or what is wrong with it: a clause that follows `Secret "x" `. */
export function translateSecret(secret: Secret, read: ReadCertificate): TlsPair | { readonly error: string } {
  if (secret === UNREADABLE)
    return { error: 'may not be read: let the ServiceAccount of the gateway get, list and watch it, by a Role there' };
  if (secret.type !== TYPE) return { error: `is of type "${secret.type ?? ''}": use type "${TYPE}"` };
  const certificateChainPem = decoded(secret, 'tls.crt');
  const privateKeyPem = decoded(secret, 'tls.key');
  if (certificateChainPem === undefined) return { error: 'has no usable "tls.crt": put a PEM certificate chain there' };
  if (privateKeyPem === undefined)
    return { error: 'has no usable "tls.key": put the PEM key of the certificate there' };
  const facts = read(certificateChainPem, privateKeyPem);
  if ('error' in facts) return { error: `cannot be used: ${facts.error}` };
  return { ...facts, certificateChainPem, privateKeyPem: privateText(privateKeyPem) };
}

/** Undefined when the entry is missing, empty or not base64. */
function decoded(secret: Secret, entry: string): string | undefined {
  try {
    const text = atob(secret.data?.[entry] ?? '');
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}
