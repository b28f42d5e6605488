// TLS contexts by certificate: made once, shared by all connections, swapped without touching open ones.
// Knows nothing of listeners or HTTP; asks the snapshot which certificate a server name gets.

import { createSecureContext, type SecureContext } from 'node:tls';
import type { Logger } from '#lib/log.ts';
import type { Certificate } from '#traffic/model/ir.ts';

export class ServerContexts {
  /** Goes with the certificate: one that was replaced leaves no key behind. Undefined where it cannot be used. */
  readonly #contexts = new WeakMap<Certificate, SecureContext | undefined>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Undefined when the certificate or its key cannot be read; that is logged once a certificate. */
  of(certificate: Certificate): SecureContext | undefined {
    if (!this.#contexts.has(certificate)) this.#contexts.set(certificate, this.#create(certificate));
    return this.#contexts.get(certificate);
  }

  #create(certificate: Certificate): SecureContext | undefined {
    try {
      return createSecureContext({
        cert: certificate.certificateChainPem,
        key: certificate.privateKeyPem.value,
        minVersion: 'TLSv1.2',
      });
    } catch (error) {
      this.#log.error(
        { certificate: certificate.name, error: error instanceof Error ? error.message : String(error) },
        'Cannot use certificate: replace its certificate chain and key',
      );
      return undefined;
    }
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
