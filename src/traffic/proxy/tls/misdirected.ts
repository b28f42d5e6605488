// Whether a request may be answered on the TLS connection that it came by (RFC 9110, 15.5.20).
// Knows nothing of routes.

import type { Certificate, Listener } from '#traffic/model/ir.ts';
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
): boolean {
  if (serverName === host || serverName === '') return false;
  if (listener.tls?.clientCertificates !== undefined) return true;
  // A default certificate speaks for every name.
  return !certificates.some((certificate) => certificate.hostnames.length === 0 || covers(certificate, host));
}
