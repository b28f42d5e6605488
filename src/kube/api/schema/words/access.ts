// What the fields of certificates' requests mean, in a sentence each.
// Texts only; which fields there are is in gen/structure.json.
import type { Words } from './make.ts';

export const certificateWords: Words = {
  CertificateSigningRequest: {
    about: 'A request for a certificate: somebody approves it, and the signer that it names writes the certificate.',
    spec: 'What is asked for; it cannot be changed.',
    status: 'What was decided, and the certificate.',
  },
  CertificateSigningRequestSpec: {
    request: 'The request (PKCS #10, PEM), in base64.',
    signerName: 'Who is to sign, e.g. `kubernetes.io/kube-apiserver-client`.',
    usages: 'What the certificate is to be good for, e.g. `client auth`.',
    expirationSeconds: 'How long it is to be valid; the signer may make it shorter.',
    username: 'Who asked; written by the server.',
    groups: 'Groups of who asked; written by the server.',
    uid: 'Uid of who asked; written by the server.',
    extra: 'What else is known of who asked; written by the server.',
  },
  CertificateSigningRequestStatus: {
    certificate: 'The certificate and its chain (PEM), in base64.',
    conditions: '`Approved` or `Denied` by people or controllers, `Failed` by the signer.',
  },
  CertificateSigningRequestCondition: {
    type: '`Approved`, `Denied`, `Failed`, or a word of the signer.',
    status: '`True`, `False` or `Unknown`; the three known types are always `True`.',
    reason: 'One word for the reason.',
    message: 'The reason for people.',
    lastUpdateTime: 'When this was last written.',
    lastTransitionTime: 'When its status last changed.',
  },
};
