// Rules of roles and bindings.
// Knows nothing of who may do what. Upstream source: pkg/apis/rbac/validation.
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from 'kubernetes-types/rbac/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { validateSelector } from './common.ts';
import { dnsSubdomain, pathSegment } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const group = 'rbac.authorization.k8s.io';

function validateRule(rule: PolicyRule, namespaced: boolean, path: FieldPath, report: Report): void {
  if ((rule.verbs?.length ?? 0) === 0) report.required(child(path, 'verbs'), 'verbs must contain at least one value');
  const urls = rule.nonResourceURLs ?? [];
  const { apiGroups = [], resources = [], resourceNames = [] } = rule;
  if (urls.length > 0) {
    const here = child(path, 'nonResourceURLs');
    if (namespaced) report.invalid(here, urls, 'namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      report.invalid(here, urls, 'rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (apiGroups.length === 0)
    report.required(child(path, 'apiGroups'), 'resource rules must supply at least one api group');
  if (resources.length === 0)
    report.required(child(path, 'resources'), 'resource rules must supply at least one resource');
}

function validateRules(rules: readonly PolicyRule[], namespaced: boolean, report: Report): void {
  for (const [index, rule] of rules.entries()) validateRule(rule, namespaced, at('rules', index), report);
}

const role = rulesFor<Role>({
  name: pathSegment,
  validate(object, report) {
    validateRules(object.rules ?? [], true, report);
  },
});

const clusterRole = rulesFor<ClusterRole>({
  name: pathSegment,
  validate(object, report) {
    validateRules(object.rules ?? [], false, report);
    if (object.aggregationRule === undefined) return;
    const path = child('aggregationRule', 'clusterRoleSelectors');
    const selectors = object.aggregationRule.clusterRoleSelectors ?? [];
    if (selectors.length === 0)
      report.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
    for (const [index, selector] of selectors.entries()) validateSelector(selector, at(path, index), report);
  },
});

type Binding = RoleBinding | ClusterRoleBinding;

function bindingRules(kinds: readonly string[], namespaced: boolean): KindRules {
  return rulesFor<Binding>({
    name: pathSegment,
    validate(object, report) {
      const ref = object.roleRef;
      if ((ref?.apiGroup ?? '') !== group)
        report.notSupported(child('roleRef', 'apiGroup'), ref?.apiGroup ?? '', [group]);
      if (!kinds.includes(ref?.kind ?? '')) report.notSupported(child('roleRef', 'kind'), ref?.kind ?? '', kinds);
      if ((ref?.name ?? '') === '') report.required(child('roleRef', 'name'));
      else report.each(child('roleRef', 'name'), ref.name, pathSegment(ref.name));
      for (const [index, subject] of (object.subjects ?? []).entries()) {
        validateSubject(subject, namespaced, at('subjects', index), report);
      }
    },
    validateUpdate(next, previous, report) {
      if (!jsonEqual(next.roleRef, previous.roleRef)) report.invalid('roleRef', next.roleRef, 'cannot change roleRef');
    },
  });
}

function validateSubject(subject: Subject, namespaced: boolean, path: FieldPath, report: Report): void {
  const { kind, name = '', namespace = '', apiGroup = '' } = subject;
  if (name === '') report.required(child(path, 'name'));
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') report.each(child(path, 'name'), name, dnsSubdomain(name));
      if (apiGroup !== '') report.notSupported(child(path, 'apiGroup'), apiGroup, ['']);
      if (!namespaced && namespace === '') report.required(child(path, 'namespace'));
      break;
    case 'User':
    case 'Group':
      if (apiGroup !== group) report.notSupported(child(path, 'apiGroup'), apiGroup, [group]);
      break;
    default:
      report.notSupported(child(path, 'kind'), kind, ['ServiceAccount', 'User', 'Group']);
  }
}

export const rbacRules: Readonly<Record<string, KindRules>> = {
  [`${group}/Role`]: role,
  [`${group}/ClusterRole`]: clusterRole,
  [`${group}/RoleBinding`]: bindingRules(['Role', 'ClusterRole'], true),
  [`${group}/ClusterRoleBinding`]: bindingRules(['ClusterRole'], false),
};
