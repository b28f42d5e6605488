// Nobody grants more than they have: looked at as roles and bindings are written.
// Knows rules and the writer; nothing of HTTP. Upstream source: pkg/registry/rbac/*/policybased, pkg/registry/rbac/validation.
import type { PolicyRule, RoleRef } from 'kubernetes-types/rbac/v1.js';
import { forbidden, StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import type { User } from '../http/authn.ts';
import { type AnyObject, dig, digArray } from '../registry/any-object.ts';
import type { Strategy, StrategyContext } from '../strategies/strategy.ts';
import { MASTERS } from './authorizer.ts';
import { compactRules, quotedList, ruleText, uncovered } from './covers.ts';
import { missingRole, RBAC_GROUP, type UserRules } from './rbac.ts';

/** What roles are looked up in: undefined where everybody may do everything. */
export interface RoleRules {
  rulesFor(user: User, namespace: string): UserRules;
  rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined;
}

type RoleResource = 'roles' | 'clusterroles';
type BindingResource = 'rolebindings' | 'clusterrolebindings';

const EVERYTHING: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

export function roleStrategy(resource: RoleResource): Strategy {
  return {
    createOnUpdate: true,
    prepareForCreate: (role, context) => assertMayGrant(resource, role, undefined, context),
    prepareForUpdate: (next, current, context) => assertMayGrant(resource, next, current, context),
  };
}

export function bindingStrategy(resource: BindingResource): Strategy {
  return {
    createOnUpdate: true,
    prepareForCreate: (binding, context) => assertMayBind(resource, binding, undefined, context),
    prepareForUpdate: (next, current, context) => assertMayBind(resource, next, current, context),
  };
}

function assertMayGrant(
  resource: RoleResource,
  role: AnyObject,
  before: AnyObject | undefined,
  context: StrategyContext,
): void {
  const { user, roles } = context;
  const aggregates = dig(role, 'aggregationRule') !== undefined || dig(before, 'aggregationRule') !== undefined;
  const unchanged =
    before !== undefined &&
    jsonEqual(digArray(role, 'rules'), digArray(before, 'rules')) &&
    jsonEqual(dig(role, 'aggregationRule') ?? null, dig(before, 'aggregationRule') ?? null);
  if (roles === undefined || unchanged || user.groups.includes(MASTERS)) return;
  const { name = '', namespace = '' } = role.metadata ?? {};
  // A role that is being created is no object yet that a rule could name.
  const named = before === undefined ? '' : name;
  if (may(context, 'escalate', resource, namespace, named)) return;
  const target = { group: RBAC_GROUP, resource };
  const problem = escalation(roles.rulesFor(user, namespace), user, digArray(role, 'rules') as PolicyRule[]);
  if (problem !== undefined) throw forbidden(target, name, problem);
  if (aggregates && escalation(roles.rulesFor(user, namespace), user, EVERYTHING) !== undefined) {
    throw forbidden(target, name, 'must have cluster-admin privileges to use the aggregationRule');
  }
}

function assertMayBind(
  resource: BindingResource,
  binding: AnyObject,
  before: AnyObject | undefined,
  context: StrategyContext,
): void {
  const { user, roles } = context;
  const unchanged =
    before !== undefined &&
    jsonEqual(dig(binding, 'roleRef'), dig(before, 'roleRef')) &&
    jsonEqual(digArray(binding, 'subjects'), digArray(before, 'subjects'));
  if (roles === undefined || unchanged || user.groups.includes(MASTERS)) return;
  const { name = '', namespace = '' } = binding.metadata ?? {};
  const roleRef = binding.roleRef as RoleRef | undefined;
  // What is wrong with it is said by validation.
  if (roleRef?.kind !== 'ClusterRole' && roleRef?.kind !== 'Role') return;
  const of = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (may(context, 'bind', of, namespace, roleRef.name)) return;
  const rules = roles.rulesOf(roleRef, namespace);
  if (rules === undefined) throw new StatusError(404, 'NotFound', missingRole(roleRef), { name: roleRef.name });
  const problem = escalation(roles.rulesFor(user, namespace), user, rules);
  if (problem !== undefined) throw forbidden({ group: RBAC_GROUP, resource }, name, problem);
}

function may(context: StrategyContext, verb: string, resource: string, namespace: string, name: string): boolean {
  const target = { kind: 'resource', group: RBAC_GROUP, version: '*', resource, subresource: '' } as const;
  return context.authorizer.authorize(context.user, { ...target, verb, namespace, name }).allowed;
}

/** Why the user may not grant these rules, in upstream's words. */
function escalation({ rules, errors }: UserRules, user: User, wanted: readonly PolicyRule[]): string | undefined {
  const missing = uncovered(rules, wanted);
  if (missing.length === 0) return undefined;
  const lines = [...new Set(compactRules(missing).map(ruleText))].sort();
  const problems = errors.length === 0 ? '' : `; resolution errors: [${errors.join(' ')}]`;
  const who = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)})`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${problems}`;
}
