// TLS towards backends: contexts, names to be checked, sessions to be resumed.
// Knows nothing of sockets. Keys and certificates go to OpenSSL and nowhere else.

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';
import type { UpstreamTls } from '#traffic/model/ir.ts';
import type { Destination } from '../upstream/dial.ts';
import { alternativeNames } from './client-certificate.ts';

/** Sessions kept per destination; each is offered once, as TLS 1.3 asks. */
const MAX_SESSIONS = 4;

/** A cluster's settings are one object as long as they stay the same. Undefined where they cannot be used. */
const contexts = new WeakMap<UpstreamTls, SecureContext | undefined>();
const sessions = new WeakMap<Destination, Buffer[]>();

/** Undefined when certificates or keys of the settings cannot be read. */
export function upstreamTlsOptions(to: Destination): ConnectionOptions | undefined {
  const { tls, protocol } = to.transport;
  if (tls === undefined) return undefined;
  const secureContext = contextOf(tls);
  if (secureContext === undefined) return undefined;
  const session = sessions.get(to)?.pop();
  return {
    secureContext,
    // An address is checked in the certificate, but never sent as a name (RFC 6066, 3).
    ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : { servername: '' }),
    rejectUnauthorized: tls.insecureSkipVerify !== true,
    checkServerIdentity: (_host, certificate) => identityProblem(tls, certificate),
    ...(protocol === 'tcp' ? {} : { ALPNProtocols: [protocol === 'http2' ? 'h2' : 'http/1.1'] }),
    ...(session === undefined ? {} : { session }),
  };
}

/** A session that the backend gives for the next connection to the same destination. */
export function takeSession(to: Destination, session: Buffer): void {
  let kept = sessions.get(to);
  if (kept === undefined) {
    kept = [];
    sessions.set(to, kept);
  }
  kept.push(session);
  if (kept.length > MAX_SESSIONS) kept.shift();
}

function contextOf(tls: UpstreamTls): SecureContext | undefined {
  if (!contexts.has(tls)) contexts.set(tls, create(tls));
  return contexts.get(tls);
}

function create({ caPem, clientCertificate, minVersion }: UpstreamTls): SecureContext | undefined {
  try {
    // Node.js takes authorities that are none without a word.
    if (caPem !== undefined) checkAuthorities(caPem);
    return createSecureContext({
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(clientCertificate === undefined
        ? {}
        : { cert: clientCertificate.certificateChainPem, key: clientCertificate.privateKeyPem.value }),
      minVersion: minVersion ?? 'TLSv1.2',
    });
  } catch {
    // OpenSSL's words may quote the key; that the settings cannot be used is all that may be told.
    return undefined;
  }
}

function checkAuthorities(pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('No authority');
  for (const block of blocks) new X509Certificate(block);
}

/** What speaks against a certificate that is trusted otherwise: it belongs to somebody else. */
export function identityProblem(tls: UpstreamTls, certificate: PeerCertificate): Error | undefined {
  const wanted = tls.subjectNames ?? [];
  if (wanted.length === 0) return checkServerIdentity(tls.serverName, certificate);
  const names = alternativeNames(certificate.subjectaltname ?? '');
  const has = wanted.some((name) =>
    names.some(({ kind, value }) => (kind === 'URI' && value === name) || (kind === 'DNS' && matches(value, name))),
  );
  return has ? undefined : Object.assign(new Error('No wanted name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}

/** Host names know no case; a wildcard of the certificate stands for exactly one label. */
function matches(pattern: string, name: string): boolean {
  const [certified, wanted] = [pattern.toLowerCase(), name.toLowerCase()];
  if (certified === wanted) return true;
  const dot = wanted.indexOf('.');
  return certified.startsWith('*.') && dot > 0 && wanted.slice(dot) === certified.slice(1);
}
