// A small certificate authority: makes its own root, and signs short chains for servers and clients below it.
// Knows no files and no Kubernetes; who uses it decides where the PEM text is kept.
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type KeyPair, loadX509, pemEnd, serialNumber, signingAlgorithm } from './x509.ts';

export type { KeyPair } from './x509.ts';

export interface CertificateRequest {
  readonly commonName: string;
  /** `O=` entries; Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** IPv4 or IPv6 addresses as text. */
  readonly ips?: readonly string[];
  /** URI names, e.g. `spiffe://cluster.local/ns/shop/sa/web`. */
  readonly uris?: readonly string[];
  /** Kind of key; default ECDSA on P-256. RSA is for clients that know nothing else. */
  readonly key?: 'ecdsa' | 'rsa';
  /** May identify a TLS client. Default false. */
  readonly client?: boolean;
  /** May identify a TLS server. Default true unless `client` is set. */
  readonly server?: boolean;
  /** Days of validity, counted from now; default 365. It never outlives the authority. */
  readonly days?: number;
}

export interface Authority extends KeyPair {
  issue(request: CertificateRequest): Promise<KeyPair>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Certificates begin a little in the past, so that a peer whose clock is behind accepts them. */
const BACKDATE_MS = 5 * 60 * 1000;
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;

/** Makes a root, valid for `days` (default 3650). */
export async function createAuthority(options: { commonName: string; days?: number }): Promise<Authority> {
  const x509 = await loadX509();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: distinguishedName(options.commonName),
    ...validity(options.days ?? 3650),
    signingAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return loadAuthority({ certPem: pemEnd(certificate.toString('pem')), keyPem: await exportKey(keys.privateKey) });
}

/** Takes up an authority made earlier. Throws when the key does not belong to the certificate. */
export function loadAuthority(pair: KeyPair): Authority {
  const root = new X509Certificate(pair.certPem);
  if (!root.checkPrivateKey(createPrivateKey(pair.keyPem))) {
    throw new Error(
      `Private key does not belong to the certificate of "${root.subject}"; remove both to have new ones made`,
    );
  }
  return { ...pair, issue: (request) => issue(pair, root, request) };
}

/**
 * True when the certificate has less than a third of its life left, or was not signed by `authority`, or does not cover every name
 * and address of `request`.
 */
export function needsRenewal(certPem: string, authority: KeyPair, request: CertificateRequest, now: number): boolean {
  try {
    const certificate = new X509Certificate(certPem);
    const lifetime = certificate.validToDate.getTime() - certificate.validFromDate.getTime();
    if (certificate.validToDate.getTime() - now < lifetime / 3) return true;
    if (!certificate.verify(new X509Certificate(authority.certPem).publicKey)) return true;
    const covered =
      (request.dnsNames ?? []).every((name) => certificate.checkHost(name.replace(/^\*\./, 'any.')) !== undefined) &&
      (request.ips ?? []).every((ip) => certificate.checkIP(ip) !== undefined);
    return !covered;
  } catch {
    // Unreadable text is no certificate: a new one is what helps.
    return true;
  }
}

async function issue(root: KeyPair, rootCertificate: X509Certificate, request: CertificateRequest): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await newKeys(request.key);
  const issuer = new x509.X509Certificate(root.certPem);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(root.keyPem).export({ type: 'pkcs8', format: 'der' }),
    signingAlgorithm,
    false,
    ['sign'],
  );
  const { notBefore, notAfter } = validity(request.days ?? 365);
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ips ?? []).map((value) => ({ type: 'ip' as const, value: checkedAddress(value) })),
    ...(request.uris ?? []).map((value) => ({ type: 'url' as const, value })),
  ];
  const client = request.client ?? false;
  const server = request.server ?? !client;
  const usages = [
    ...(server ? [x509.ExtendedKeyUsage.serverAuth] : []),
    ...(client ? [x509.ExtendedKeyUsage.clientAuth] : []),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: distinguishedName(request.commonName, request.organizations),
    issuer: issuer.subjectName,
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), rootCertificate.validToDate.getTime())),
    signingAlgorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pemEnd(certificate.toString('pem')), keyPem: await exportKey(keys.privateKey) };
}

function newKeys(kind: CertificateRequest['key'] = 'ecdsa'): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = kind === 'rsa' ? RSA : signingAlgorithm;
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}

/** Attributes as data, not as text: a comma in a name stays a comma. */
function distinguishedName(commonName: string, organizations: readonly string[] = []): Array<Record<string, string[]>> {
  return [...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }];
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + days * DAY_MS) };
}

function checkedAddress(value: string): string {
  if (isIP(value) === 0) throw new Error(`Cannot put "${value}" into a certificate as an IP address: it is none`);
  return value;
}
