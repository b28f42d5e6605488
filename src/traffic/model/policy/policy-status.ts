// What a BackendPolicy, or an XBackendTrafficPolicy, is told of each of its targets: heard, in conflict, not there, or not to be understood.
// Pure; whoever asks says what there is.
import type { PolicyAncestor } from '#kube/api/backend-policy/types.ts';
import type { Fault } from '../gateway/conditions.ts';
import { GATEWAY_CONTROLLER, holds } from '../gateway/conditions.ts';
import type { BackendPolicies, Claim, PolicyView, TargetKind } from './backend-policies.ts';

/** Names of the ports of a Service, or of the rules of a route; undefined where there is no such object. */
export type SectionsOf = (kind: TargetKind, key: string) => readonly string[] | undefined;

export interface PolicyStatus {
  readonly kind: PolicyView['kind'];
  readonly key: string;
  readonly ancestors: readonly PolicyAncestor[];
}

/** The API holds so many entries. */
const MOST = 16;

export function policyStatuses(policies: BackendPolicies, sectionsOf: SectionsOf): readonly PolicyStatus[] {
  return policies.views.map(({ key, kind: policyKind, policy, claims }) => {
    const { namespace = '', generation } = policy.metadata ?? {};
    const ancestors = claims.slice(0, MOST).map((claim): PolicyAncestor => {
      const { group = '', kind, name, sectionName } = claim.target;
      const fault = missing(claim, namespace, sectionsOf) ?? claim.fault;
      return {
        ancestorRef: { group, kind, namespace, name, ...(sectionName === undefined ? {} : { sectionName }) },
        controllerName: GATEWAY_CONTROLLER,
        conditions: [holds('Accepted', fault, 'Accepted', 'The policy is in force for this target', generation)],
      };
    });
    return { kind: policyKind, key, ancestors };
  });
}

function missing({ target, fault }: Claim, namespace: string, sectionsOf: SectionsOf): Fault | undefined {
  if (fault?.reason === 'Invalid') return undefined;
  const { kind, name, sectionName } = target;
  const key = `${namespace}/${name}`;
  const sections = sectionsOf(kind as TargetKind, key);
  if (sections === undefined) {
    const message = `${kind} "${key}" does not exist: create it or correct the name`;
    return { reason: 'TargetNotFound', message };
  }
  if (sectionName === undefined || sections.includes(sectionName)) return undefined;
  const what = kind === 'Service' ? 'port' : 'rule';
  const known = sections.filter((one) => one !== '').map((one) => `"${one}"`);
  const message = `${kind} "${key}" has no ${what} "${sectionName}": it has ${known.join(', ') || `none with a name`}`;
  return { reason: 'TargetNotFound', message };
}
