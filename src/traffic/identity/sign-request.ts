// Signs requests for certificates (PKCS #10): the key and the names are the sender's, what it may be used for is ours to say.
// Knows certificates; who may have one was decided before.
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { type KeyPair, loadX509, pemEnd, serialNumber, signingAlgorithm } from './x509.ts';

export interface SigningTerms {
  /** May identify a TLS client. */
  readonly client: boolean;
  /** May identify a TLS server. */
  readonly server: boolean;
  readonly keyEncipherment: boolean;
  /** In milliseconds since the epoch; `to` is cut to the end of the authority. */
  readonly from: number;
  readonly to: number;
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const rsaAlgorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

/** The certificate as PEM text. Rejects when the request cannot be read. */
export async function signRequest(authority: KeyPair, requestPem: string, terms: SigningTerms): Promise<string> {
  const x509 = await loadX509();
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  const issuer = new x509.X509Certificate(authority.certPem);
  const root = new X509Certificate(authority.certPem);
  const key = createPrivateKey(authority.keyPem);
  // Authorities of other makers have RSA keys more often than not.
  const algorithm = key.asymmetricKeyType === 'rsa' ? rsaAlgorithm : signingAlgorithm;
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  const usages = [
    ...(terms.server ? [x509.ExtendedKeyUsage.serverAuth] : []),
    ...(terms.client ? [x509.ExtendedKeyUsage.clientAuth] : []),
  ];
  // Of all that it asks for, only names: what the certificate may do is not the sender's choice.
  const names = request.getExtension(SUBJECT_ALTERNATIVE_NAME);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: request.subjectName,
    issuer: issuer.subjectName,
    notBefore: new Date(terms.from),
    notAfter: new Date(Math.min(terms.to, root.validToDate.getTime())),
    signingAlgorithm: algorithm,
    publicKey: request.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(digitalSignature | (terms.keyEncipherment ? keyEncipherment : 0), true),
      ...(usages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(usages)]),
      ...(names === null ? [] : [names]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return pemEnd(certificate.toString('pem'));
}
