// Whether a request may be answered on the TLS connection that it came by (RFC 9110, 15.5.20).
// Knows nothing of routes.

import type { Certificate, Listener } from '#traffic/model/ir.ts';
import type { Snapshot } from '#traffic/snapshot/index.ts';
import { covers } from './server-contexts.ts';

/**
 * Clients may send a host over a connection that was made for another, where its certificate speaks for both. Where
 * clients have to show certificates of their own they may not: which name they asked for in the handshake is part of
 * what was agreed on.
 */
export function isMisdirected(
  host: string,
  serverName: string,
  certificates: readonly Certificate[],
  listener: Listener,
  snapshot: Pick<Snapshot, 'certificatesFor'>,
): boolean {
  if (serverName === host || serverName === '') return false;
  if (listener.tls?.clientCertificates !== undefined) return true;
  if (certificates.some(({ listeners }) => listeners !== undefined)) {
    // Of a Gateway: names that it shows other certificates for are other listeners', whatever these may speak for.
    const own = snapshot.certificatesFor(listener.name, host);
    return own.length === 0 || !own.every(({ name }) => certificates.some((one) => one.name === name));
  }
  // A default certificate speaks for every name.
  return !certificates.some((certificate) => certificate.hostnames.length === 0 || covers(certificate, host));
}
