// TLS contexts by certificate content: made once, shared by all connections, swapped without touching open ones.
// Knows nothing of listeners or HTTP; asks the snapshot which certificate a server name gets.

import { createSecureContext, type SecureContext } from 'node:tls';
import type { Logger } from '#lib/log.ts';
import type { Certificate } from '#traffic/model/ir.ts';

export class ServerContexts {
  readonly #contexts = new Map<string, SecureContext>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Undefined when the certificate or its key cannot be read; that is logged once per content. */
  of(certificate: Certificate): SecureContext | undefined {
    const known = this.#contexts.get(certificate.fingerprint);
    if (known !== undefined) return known;
    try {
      const context = createSecureContext({
        cert: certificate.certificateChainPem,
        key: certificate.privateKeyPem.value,
        minVersion: 'TLSv1.2',
      });
      this.#contexts.set(certificate.fingerprint, context);
      return context;
    } catch (error) {
      this.#log.error(
        { certificate: certificate.name, error: error instanceof Error ? error.message : String(error) },
        'Cannot use certificate: replace its certificate chain and key',
      );
      return undefined;
    }
  }

  /** Drops the contexts of certificates that are no longer in use. */
  keepOnly(certificates: Iterable<Certificate>): void {
    const used = new Set<string>();
    for (const { fingerprint } of certificates) used.add(fingerprint);
    for (const fingerprint of this.#contexts.keys()) if (!used.has(fingerprint)) this.#contexts.delete(fingerprint);
  }
}

/** Whether one of the certificate's names covers `host`; a wildcard covers exactly one label. */
export function covers(certificate: Certificate, host: string): boolean {
  for (const name of certificate.hostnames) {
    if (name === host) return true;
    if (name.startsWith('*.') && host.indexOf('.') > 0 && host.slice(host.indexOf('.')) === name.slice(1)) return true;
  }
  return false;
}
