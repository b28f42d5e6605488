// Which policies are in force for a write: those that match, by bindings that match.
// Knows policies and bindings of either kind; what they say is run elsewhere.
import type { ParamKind, ParamRef } from 'kubernetes-types/admissionregistration/v1.js';
import type { MatchSpec } from '#kube/api/admission/match-rules.ts';
import type { ServerContext } from '../../context.ts';
import type { AnyObject } from '../../registry/any-object.ts';
import type { Resource } from '../../registry/registry.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { matchResources } from '../match.ts';
import { ParamsError, paramsOf } from './params.ts';

/** What policies of both kinds say. */
interface PolicySpec {
  readonly failurePolicy?: string;
  readonly matchConstraints?: MatchSpec;
  readonly paramKind?: ParamKind;
}
interface BindingSpec {
  readonly policyName?: string;
  readonly matchResources?: MatchSpec;
  readonly paramRef?: ParamRef;
}

export interface Bound {
  readonly policy: AnyObject;
  readonly binding: AnyObject;
  /** The resource as which the policy is shown the write. */
  readonly matched: Resource;
}

export const nameOfPolicy = ({ metadata }: AnyObject): string => metadata?.name ?? '';

export const failsClosed = ({ policy }: Pick<Bound, 'policy'>): boolean =>
  (policy.spec as PolicySpec).failurePolicy !== 'Ignore';

/** By the names of the policies, and of their bindings. */
export function boundPolicies(
  server: ServerContext,
  attributes: AdmissionAttributes,
  kind: 'validating' | 'mutating',
): readonly Bound[] {
  const all = (resource: string) =>
    server.registry.builtin('admissionregistration.k8s.io', 'v1', `${kind}admission${resource}`).collection;
  const bindings = all('policybindings').list();
  // As a rule there are none, and every write comes this way.
  if (bindings.length === 0) return [];
  const found: Bound[] = [];
  for (const { object: binding } of bindings) {
    const { policyName = '', matchResources: narrower } = binding.spec as BindingSpec;
    const policy = all('policies').get(undefined, policyName)?.object;
    if (policy === undefined) continue;
    const matched = matchResources(server, attributes, (policy.spec as PolicySpec).matchConstraints ?? {});
    if (matched === undefined || matchResources(server, attributes, narrower) === undefined) continue;
    found.push({ policy, binding, matched });
  }
  const order = ({ policy, binding }: Bound): string => `${nameOfPolicy(policy)}\0${nameOfPolicy(binding)}`;
  return found.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** The parameters that a policy is run with, one after another; or why they cannot be had. */
export async function paramsOfBound(
  server: ServerContext,
  attributes: AdmissionAttributes,
  { policy, binding }: Bound,
): Promise<readonly (AnyObject | null)[] | ParamsError> {
  try {
    const { paramKind } = policy.spec as PolicySpec;
    return await paramsOf(server, attributes, paramKind, (binding.spec as BindingSpec).paramRef);
  } catch (error) {
    if (error instanceof ParamsError) return error;
    throw error;
  }
}
