// What an error of a handshake with a backend means, as a failure of the data plane.
// Knows nothing of sockets.

import { type Failure, failures } from '../upstream/failure.ts';

const byCode: Readonly<Record<string, Failure>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: failures.tlsName,
  CERT_HAS_EXPIRED: failures.tlsExpired,
  CERT_NOT_YET_VALID: failures.tlsExpired,
  DEPTH_ZERO_SELF_SIGNED_CERT: failures.tlsUntrusted,
  SELF_SIGNED_CERT_IN_CHAIN: failures.tlsUntrusted,
  UNABLE_TO_GET_ISSUER_CERT: failures.tlsUntrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: failures.tlsUntrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: failures.tlsUntrusted,
  CERT_SIGNATURE_FAILURE: failures.tlsUntrusted,
  CERT_UNTRUSTED: failures.tlsUntrusted,
  CERT_REJECTED: failures.tlsUntrusted,
  CERT_CHAIN_TOO_LONG: failures.tlsUntrusted,
  INVALID_CA: failures.tlsUntrusted,
  INVALID_PURPOSE: failures.tlsUntrusted,
  CERT_REVOKED: failures.tlsUntrusted,
};

/** Undefined when the error says no more than that the handshake did not come to its end. */
export function upstreamTlsFailure(error: NodeJS.ErrnoException): Failure | undefined {
  return byCode[error.code ?? ''];
}
