// Whether some rules allow all that others do, and which of it they do not.
// Knows rules only. Upstream source: component-helpers/auth/rbac/validation/policy_comparator.go.
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { coversPath, hasOrAll } from './rule-index.ts';

/** What of `wanted` no single rule of `held` allows, one verb on one thing each. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !held.some((rule) => coversPart(rule, part)));
}

function breakDown({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule) {
  const parts: PolicyRule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (resourceNames.length === 0) parts.push(part);
        for (const name of resourceNames) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  return parts;
}

/** `part` has one of each. */
function coversPart(rule: PolicyRule, part: PolicyRule): boolean {
  if (!hasOrAll(rule.verbs, part.verbs[0] ?? '')) return false;
  const [url] = part.nonResourceURLs ?? [];
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((each) => coversPath(each, url));
  const [group = ''] = part.apiGroups ?? [];
  const [resource = ''] = part.resources ?? [];
  if (!hasOrAll(rule.apiGroups, group)) return false;
  const subresource = resource.slice(resource.indexOf('/') + 1);
  const ofAny = resource.includes('/') && (rule.resources ?? []).includes(`*/${subresource}`);
  if (!hasOrAll(rule.resources, resource) && !ofAny) return false;
  const names = rule.resourceNames ?? [];
  const [name] = part.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
}

/** Rules that differ in verbs only become one. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...target } = rule;
    const key = JSON.stringify(target);
    const known = byTarget.get(key);
    const all = known === undefined ? verbs : [...known.verbs, ...verbs.filter((verb) => !known.verbs.includes(verb))];
    byTarget.set(key, { ...target, verbs: all });
  }
  return [...byTarget.values()];
}

/** As upstream prints a rule: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function ruleText(rule: PolicyRule): string {
  const fields: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = fields.filter(([, values = []]) => values.length > 0);
  return `{${shown.map(([name, values = []]) => `${name}:${quotedList(values)}`).join(', ')}}`;
}

/** Go's `%q` of a list of strings. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
