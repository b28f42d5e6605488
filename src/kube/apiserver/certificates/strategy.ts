// Requests for certificates: who asks is for the server to say, and what was decided or signed is for those who may.
// Knows the kind and the authorizer; who signs is a controller. Upstream source: pkg/registry/certificates, plugin/pkg/admission/certificates.
import { forbidden } from '#kube/api/status.ts';
import { readCertificateRequest } from '#lib/certificate-request.ts';
import { jsonEqual } from '#lib/json.ts';
import { MASTERS } from '../authz/authorizer.ts';
import { type AnyObject, dig, digArray, digString, isFields, mutableCopy } from '../registry/any-object.ts';
import type { Strategy, StrategyContext } from '../strategies/strategy.ts';
import { timestamp } from '../write/times.ts';

const TARGET = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests' };
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
const DECISIONS: readonly string[] = ['Approved', 'Denied'];

export const certificateRequestStrategy: Strategy = {
  initialStatus: {},
  selectableFields: { 'spec.signerName': (object) => digString(object, 'spec', 'signerName') },

  prepareForCreate(object, { user }) {
    const { username: _u, uid: _i, groups: _g, extra: _e, ...asked } = object.spec ?? {};
    object.spec = {
      ...asked,
      username: user.name,
      groups: [...user.groups],
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      ...(user.extra === undefined ? {} : { extra: structuredClone(user.extra) }),
    };
    assertSubject(object);
  },

  prepareForUpdate(next, current) {
    next.spec = current.spec ?? {};
  },

  /** Signers write the certificate, or that it cannot be had; what was decided stays. */
  prepareForStatusUpdate(next, current, context) {
    const decided = conditionsOf(current).filter(isDecision);
    const told = conditionsOf(next).filter((condition) => !isDecision(condition));
    next.status = { ...next.status, conditions: stamped([...decided, ...told], current, context) };
    if (digArray(next, 'status', 'conditions').length === 0) delete next.status.conditions;
    const failed = (object: AnyObject): unknown[] => conditionsOf(object).filter(({ type }) => type === 'Failed');
    const signs = digString(next, 'status', 'certificate') !== digString(current, 'status', 'certificate');
    if (signs || !jsonEqual(failed(next), failed(current))) assertSigner('sign', next, context);
  },
};

/** The new object with the conditions that the client decides on, and nothing else of what it sent. */
export function approved(sent: AnyObject, current: AnyObject, context: StrategyContext): AnyObject {
  const next = mutableCopy(current);
  assertSigner('approve', current, context);
  next.status = { ...next.status, conditions: stamped(conditionsOf(sent), current, context) };
  const resourceVersion = sent.metadata?.resourceVersion ?? '';
  next.metadata = { ...next.metadata, resourceVersion };
  return next;
}

type Condition = Record<string, unknown>;

function conditionsOf(object: AnyObject): Condition[] {
  return digArray(object, 'status', 'conditions').filter(isFields);
}

function isDecision({ type }: Condition): boolean {
  return DECISIONS.includes(String(type));
}

/** As upstream: whoever leaves the times out has them filled in. */
function stamped(conditions: readonly Condition[], current: AnyObject, { clock }: StrategyContext): Condition[] {
  const now = timestamp(clock.wall());
  return conditions.map((condition) => {
    const before = conditionsOf(current).find(({ type }) => type === condition.type);
    const since = before?.status === condition.status ? before?.lastTransitionTime : undefined;
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? since ?? now,
    };
  });
}

/** Upstream's CertificateApproval and CertificateSigning: a right on the signer, by name or for its whole domain. */
function assertSigner(verb: 'approve' | 'sign', object: AnyObject, { authorizer, user }: StrategyContext): void {
  const signer = digString(object, 'spec', 'signerName');
  const may = (name: string): boolean =>
    authorizer.authorize(user, {
      kind: 'resource',
      verb,
      group: TARGET.group,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    }).allowed;
  if (may(signer) || may(`${signer.split('/')[0]}/*`)) return;
  const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`;
  throw forbidden(TARGET, object.metadata?.name ?? '', why);
}

/** Upstream's CertificateSubjectRestriction: nobody becomes a master by a certificate of this signer. */
function assertSubject(object: AnyObject): void {
  if (dig(object, 'spec', 'signerName') !== CLIENT_SIGNER) return;
  let organizations: readonly string[] = [];
  try {
    const pem = Buffer.from(digString(object, 'spec', 'request'), 'base64').toString('latin1');
    ({ organizations } = readCertificateRequest(pem));
  } catch {
    // What is wrong with it is said by validation.
  }
  if (!organizations.includes(MASTERS)) return;
  const why = `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`;
  throw forbidden(TARGET, object.metadata?.name ?? '', why);
}
