// The signers that every cluster has: what each asks of a request, and what a certificate of it may be used for.
// Knows requests; nothing of keys. Upstream source: pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer.
import type { CertificateSigningRequestSpec } from 'kubernetes-types/certificates/v1.js';
import { type CertificateRequestFacts, readCertificateRequest } from '#lib/certificate-request.ts';

const NODES = 'system:nodes';
const NODE_PREFIX = 'system:node:';

interface Signer {
  /** Every usage has to be one of these. */
  readonly usages: readonly string[];
  /** This one has to be among them. */
  readonly needs: string;
  /** What is wrong with the names. */
  readonly objection?: (facts: CertificateRequestFacts) => string | undefined;
}

const CLIENT = ['client auth', 'digital signature', 'key encipherment'];

export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';

const signers: Readonly<Record<string, Signer>> = {
  'kubernetes.io/kube-apiserver-client': { usages: CLIENT, needs: 'client auth' },
  [KUBELET_CLIENT]: {
    usages: CLIENT,
    needs: 'client auth',
    objection: (facts) => nodeObjection(facts) ?? (hasNames(facts) ? 'subjectAltNames are not allowed' : undefined),
  },
  'kubernetes.io/kubelet-serving': {
    usages: ['digital signature', 'key encipherment', 'server auth'],
    needs: 'server auth',
    objection: (facts) => {
      if (facts.emails.length > 0) return 'Email subjectAltNames are not allowed';
      if (facts.uris.length > 0) return 'URI subjectAltNames are not allowed';
      if (!hasNames(facts)) return 'DNS or IP subjectAltName is required';
      return nodeObjection(facts);
    },
  },
};

export function isKnownSigner(name: string): boolean {
  return Object.hasOwn(signers, name);
}

/** Why the signer does not sign it, in upstream's words; undefined when it does. */
export function objectionTo({ signerName, request, usages = [] }: CertificateSigningRequestSpec): string | undefined {
  const signer = signers[signerName];
  if (signer === undefined) return undefined;
  let facts: CertificateRequestFacts;
  try {
    facts = readCertificateRequest(Buffer.from(request, 'base64').toString('latin1'));
  } catch (error) {
    return `unable to parse csr: ${(error as Error).message}`;
  }
  const wrong = signer.objection?.(facts);
  if (wrong !== undefined) return wrong;
  const asked: readonly string[] = usages;
  if (asked.some((usage) => !signer.usages.includes(usage)) || !asked.includes(signer.needs)) {
    return `usages did not match ${[...signer.usages].sort().join(',')}`;
  }
  return undefined;
}

function nodeObjection({ organizations, commonName }: CertificateRequestFacts): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== NODES) {
    return `subject organization is not ${NODES}`;
  }
  return commonName.startsWith(NODE_PREFIX) ? undefined : `subject common name does not begin with ${NODE_PREFIX}`;
}

function hasNames({ dnsNames, ips, emails, uris }: CertificateRequestFacts): boolean {
  return dnsNames.length + ips.length + emails.length + uris.length > 0;
}
