// Reads PEM certificates for the translation, which does no cryptography itself.
// Knows nothing of Secrets; it checks that chain and key belong together and says for whom they are.
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { ReadCertificate } from '#traffic/model/secret.ts';

type Outcome = ReturnType<ReadCertificate>;

/** Pairs remembered, so that a change somewhere does not parse every certificate again. */
const MEMORY = 1000;

export function createCertificateReader(): ReadCertificate {
  const known = new Map<string, Outcome>();
  return (chain, key) => {
    const fingerprint = createHash('sha256').update(chain).update('\0').update(key).digest('hex');
    const before = known.get(fingerprint);
    if (before !== undefined) return before;
    const outcome = read(chain, key, fingerprint);
    if (known.size >= MEMORY) known.clear();
    known.set(fingerprint, outcome);
    return outcome;
  };
}

function read(chain: string, key: string, fingerprint: string): Outcome {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(chain);
  } catch (error) {
    return {
      error: `"tls.crt" holds no PEM certificate (${(error as Error).message}): put it there, and its chain behind it`,
    };
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(key))) {
      return { error: '"tls.key" is the key of another certificate: store the pair that belongs together' };
    }
  } catch (error) {
    return {
      error: `"tls.key" holds no usable PEM key (${(error as Error).message}): put the key of the certificate there, without a passphrase`,
    };
  }
  return { hostnames: namesIn(certificate.subjectAltName ?? ''), fingerprint };
}

/** Node prints alternative names as `DNS:a.local, IP Address:127.0.0.1`, and quotes names with odd characters. */
function namesIn(subjectAltName: string): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^",]+)/g)].flatMap(([, name]) => name ?? []);
}

/** Authorities, one PEM certificate after the other. */
export function readAuthorities(pem: string): { readonly error: string } | { readonly fingerprint: string } {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return { error: '"ca.crt" holds no PEM certificate: put one there' };
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (error) {
    return {
      error: `"ca.crt" holds a certificate that cannot be read (${(error as Error).message}): put a good one there`,
    };
  }
  return { fingerprint: createHash('sha256').update(pem).digest('hex') };
}
