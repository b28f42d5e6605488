// Which FlowSchema a request falls under: the first that matches, by precedence.
// Knows schemas and attributes. Upstream source: apiserver/pkg/util/flowcontrol/rule.go.
import type { FlowSchema, PolicyRulesWithSubjects, Subject } from 'kubernetes-types/flowcontrol/v1.js';
import type { Attributes } from '../authz/attributes.ts';
import { coversPath, hasOrAll } from '../authz/rule-index.ts';
import type { User } from '../http/authn.ts';
import { userPrefix } from '../service-accounts/claims.ts';

/** In the order in which they are tried. */
export function byPrecedence(schemas: readonly FlowSchema[]): FlowSchema[] {
  const precedence = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 1000;
  const name = ({ metadata }: FlowSchema): string => metadata?.name ?? '';
  return [...schemas].sort((a, b) => precedence(a) - precedence(b) || (name(a) < name(b) ? -1 : 1));
}

export function matches({ spec }: FlowSchema, user: User, attributes: Attributes): boolean {
  return (spec?.rules ?? []).some(
    (rule) => rule.subjects.some((subject) => isSubject(subject, user)) && isMeant(rule, attributes),
  );
}

/** Requests of one text take turns with those of others. */
export function flowOf({ metadata, spec }: FlowSchema, user: User, attributes: Attributes): string {
  const name = metadata?.name ?? '';
  const by = spec?.distinguisherMethod?.type;
  if (by === 'ByUser') return `${name}/${user.name}`;
  if (by === 'ByNamespace') return `${name}/${attributes.kind === 'resource' ? attributes.namespace : ''}`;
  return name;
}

function isSubject({ kind, user: named, group, serviceAccount }: Subject, user: User): boolean {
  if (kind === 'User') return named?.name === '*' || named?.name === user.name;
  if (kind === 'Group') return group?.name === '*' || user.groups.includes(group?.name ?? '');
  if (kind !== 'ServiceAccount' || serviceAccount === undefined) return false;
  const prefix = `${userPrefix}${serviceAccount.namespace}:`;
  return serviceAccount.name === '*' ? user.name.startsWith(prefix) : user.name === prefix + serviceAccount.name;
}

function isMeant(
  { resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects,
  attributes: Attributes,
): boolean {
  if (attributes.kind === 'path') {
    return nonResourceRules.some(
      ({ verbs, nonResourceURLs }) =>
        hasOrAll(verbs, attributes.verb) && nonResourceURLs.some((url) => coversPath(url, attributes.path)),
    );
  }
  const { verb, group, resource, subresource, namespace } = attributes;
  const named = subresource === '' ? resource : `${resource}/${subresource}`;
  return resourceRules.some(
    ({ verbs, apiGroups, resources, clusterScope, namespaces }) =>
      hasOrAll(verbs, verb) &&
      hasOrAll(apiGroups, group) &&
      hasOrAll(resources, named) &&
      (namespace === '' ? clusterScope === true : hasOrAll(namespaces, namespace)),
  );
}
