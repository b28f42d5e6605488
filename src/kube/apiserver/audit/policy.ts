// What is written down of a request: the rules of an audit policy, the first that matches.
// Knows attributes and users; nothing of events. Upstream source: apiserver/pkg/audit/policy.
import type { Attributes } from '../authz/attributes.ts';
import { coversPath } from '../authz/rule-index.ts';
import type { User } from '../http/authn.ts';

const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;

export type Level = (typeof LEVELS)[number];
export type Stage = (typeof STAGES)[number];

interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** What is written down of one request. */
export interface Verdict {
  readonly level: Level;
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

const NOTHING: Verdict = { level: 'None', omitStages: [], omitManagedFields: false };

/** Reads a parsed policy file. Throws an error that names the field. */
export function readAuditPolicy(document: unknown): AuditPolicy {
  const policy = asObject(document, 'the policy');
  if (policy.apiVersion !== 'audit.k8s.io/v1' || policy.kind !== 'Policy') {
    throw new Error(
      `it is ${JSON.stringify(policy.kind)} of ${JSON.stringify(policy.apiVersion)}: write kind Policy of audit.k8s.io/v1`,
    );
  }
  if (!Array.isArray(policy.rules) || policy.rules.length === 0)
    throw new Error('rules: there is none, so nothing would be written');
  return {
    rules: policy.rules.map((rule: unknown, index) => readRule(rule, `rules[${index}]`)),
    omitStages: words(policy.omitStages, 'omitStages', STAGES),
    omitManagedFields: policy.omitManagedFields === true,
  };
}

const LISTS = ['users', 'userGroups', 'verbs', 'namespaces', 'nonResourceURLs'] as const;

function readRule(value: unknown, path: string): PolicyRule {
  const rule = asObject(value, path);
  const [level] = words([rule.level], `${path}.level`, LEVELS);
  for (const list of LISTS) words(rule[list], `${path}.${list}`);
  words(rule.omitStages, `${path}.omitStages`, STAGES);
  if (rule.resources !== undefined && !Array.isArray(rule.resources))
    throw new Error(`${path}.resources: write a list`);
  for (const [index, each] of ((rule.resources ?? []) as unknown[]).entries()) {
    const here = `${path}.resources[${index}]`;
    const { resources, resourceNames } = asObject(each, here);
    words(resources, `${here}.resources`);
    words(resourceNames, `${here}.resourceNames`);
  }
  return { ...(rule as unknown as PolicyRule), level: level ?? 'None' };
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${path} is not an object`);
  return value as Record<string, unknown>;
}

function words<T extends string>(value: unknown, path: string, known?: readonly T[]): T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${path}: write a list of texts`);
  for (const word of value as unknown[]) {
    if (typeof word !== 'string') throw new Error(`${path}: ${JSON.stringify(word)} is no text`);
    if (known !== undefined && !known.includes(word as T)) {
      throw new Error(`${path}: ${JSON.stringify(word)} is none of ${known.join(', ')}`);
    }
  }
  return value as T[];
}

export function verdictOf(policy: AuditPolicy, user: User, attributes: Attributes): Verdict {
  const rule = policy.rules.find((each) => matches(each, user, attributes));
  if (rule === undefined || rule.level === 'None') return NOTHING;
  return {
    level: rule.level,
    omitStages: [...policy.omitStages, ...(rule.omitStages ?? [])],
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
  };
}

function matches(rule: PolicyRule, user: User, attributes: Attributes): boolean {
  const { users = [], userGroups = [], verbs = [], namespaces = [], resources = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && !users.includes(user.name)) return false;
  if (userGroups.length > 0 && !userGroups.some((group) => user.groups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(attributes.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) return matchesResource(namespaces, resources, attributes);
  if (nonResourceURLs.length === 0) return true;
  return attributes.kind === 'path' && nonResourceURLs.some((url) => coversPath(url, attributes.path));
}

function matchesResource(
  namespaces: readonly string[],
  resources: readonly GroupResources[],
  attributes: Attributes,
): boolean {
  if (attributes.kind === 'path') return false;
  if (namespaces.length > 0 && !namespaces.includes(attributes.namespace)) return false;
  if (resources.length === 0) return true;
  const { group, resource, subresource, name } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const wanted = [combined, '*', ...(subresource === '' ? [] : [`${resource}/*`, `*/${subresource}`])];
  return resources.some((each) => {
    if ((each.group ?? '') !== group) return false;
    const { resources: named = [], resourceNames = [] } = each;
    if (named.length > 0 && !named.some((word) => wanted.includes(word))) return false;
    return resourceNames.length === 0 || resourceNames.includes(name);
  });
}
