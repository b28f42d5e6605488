// What routes and BackendTLSPolicies are told: one entry for each parent of ours.
// Pure; entries of other controllers are not known here and stay as they are.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, Condition, ParentStatus } from '#kube/api/gateway/types.ts';
import type { ParentOutcome } from './attach.ts';
import { condition, type Fault, GATEWAY_CONTROLLER, holds, together } from './conditions.ts';
import type { PolicyView } from './tls-policies.ts';

/** As policy attachment asks for (GEP-713). */
const AFFECTED = 'evenkeel.dev/BackendPolicyAffected';

export interface RouteFindings {
  /** The route as a whole is worth nothing. */
  readonly whole: Fault | undefined;
  /** Some of its rules are. */
  readonly part: Fault | undefined;
  readonly refFaults: readonly Fault[];
  /** BackendPolicies that say something of it. */
  readonly policies?: readonly string[];
}

export function parentStatuses(
  route: AnyRoute,
  outcomes: readonly Pick<ParentOutcome, 'parentRef' | 'fault'>[],
  { whole, part, refFaults, policies = [] }: RouteFindings,
  controllerName = GATEWAY_CONTROLLER,
): readonly ParentStatus[] {
  const generation = route.metadata?.generation;
  return outcomes.map(({ parentRef, fault }) => {
    const conditions: Condition[] = [
      holds('Accepted', fault ?? whole, 'Accepted', 'The route is attached', generation),
      holds('ResolvedRefs', together(refFaults), 'ResolvedRefs', 'Every backend is there', generation),
    ];
    if (part !== undefined && fault === undefined)
      conditions.push(condition('PartiallyInvalid', 'True', part.reason, part.message, generation));
    if (policies.length > 0) {
      const message = `Object affected by ${policies.map((key) => `BackendPolicy "${key}"`).join(', ')}`;
      conditions.push(condition(AFFECTED, 'True', 'PolicyAffected', message, generation));
    }
    return { parentRef, controllerName, conditions };
  });
}

/** One entry for each Gateway through which the policy acts; the API holds sixteen. */
export function ancestorStatuses({ policy, acceptFault, refFault }: PolicyView, gateways: readonly string[]) {
  const generation = policy.metadata?.generation;
  return gateways.slice(0, 16).map((key) => {
    const [namespace = '', name = ''] = key.split('/');
    return {
      ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name },
      controllerName: GATEWAY_CONTROLLER,
      conditions: [
        holds('Accepted', acceptFault, 'Accepted', 'TLS is spoken with the Service as the policy says', generation),
        holds('ResolvedRefs', refFault, 'ResolvedRefs', 'Every authority is there', generation),
      ],
    };
  });
}
