// What the fields of requests for certificates, and of flow control, mean, in a sentence each.
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

export const flowControlWords: Words = {
  FlowSchema: { about: 'Which requests to the API are served at which priority level.' },
  FlowSchemaSpec: {
    priorityLevelConfiguration: 'The level that they are served at.',
    matchingPrecedence: 'Of several schemas that match, the smallest decides.',
    distinguisherMethod: 'What tells flows apart, which take turns: the user or the namespace.',
    rules: 'Which requests match: any rule will do.',
  },
  PriorityLevelConfiguration: {
    about: 'How many requests to the API are served at once at this level, and how many wait.',
  },
  PriorityLevelConfigurationSpec: {
    type: '`Exempt` holds nobody up, `Limited` does.',
    limited: 'Bounds of a limited level.',
    exempt: 'Shares of an exempt level, which bound nothing.',
  },
  LimitedPriorityLevelConfiguration: {
    nominalConcurrencyShares: 'Its share of the requests that are served at once.',
    limitResponse: 'What becomes of requests beyond them.',
  },
  LimitResponse: { type: '`Queue` lets them wait, `Reject` refuses them.', queuing: 'How they wait.' },
  QueuingConfiguration: {
    queues: 'With queueLengthLimit: how many requests may wait at the level in all.',
    handSize: 'Accepted; each flow has a queue of its own here.',
    queueLengthLimit: 'How many requests of one flow may wait.',
  },
};
