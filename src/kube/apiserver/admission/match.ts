// Which writes a rule of admission means: operations, resources, scope, and labels of object and namespace.
// Knows rules and selectors. Upstream source: apiserver/pkg/admission/plugin/webhook/predicates.
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { AdmissionRule, MatchSpec } from '#kube/api/admission/match-rules.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { ServerContext } from '../context.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { convertBetween, type Resource } from '../registry/registry.ts';
import type { AdmissionAttributes } from './attributes.ts';

/** The resource as which the write matches: of another version, where the rules know only that. */
export function matchResources(
  server: ServerContext,
  attributes: AdmissionAttributes,
  match: MatchSpec | undefined,
): Resource | undefined {
  if (match === undefined) return attributes.resource;
  if (!selectorsMatch(server, attributes, match)) return undefined;
  const exact = match.matchPolicy === 'Exact';
  if (matchRules(server, attributes, match.excludeResourceRules ?? [], exact) !== undefined) return undefined;
  const rules = match.resourceRules ?? [];
  return rules.length === 0 ? attributes.resource : matchRules(server, attributes, rules, exact);
}

export function matchRules(
  server: ServerContext,
  attributes: AdmissionAttributes,
  rules: readonly AdmissionRule[],
  exact: boolean,
): Resource | undefined {
  const { resource } = attributes;
  for (const rule of rules) if (ruleMatches(rule, attributes, resource)) return resource;
  if (exact) return undefined;
  const { group, resource: plural, version } = resource.definition;
  for (const other of server.registry.resources()) {
    const { definition } = other;
    if (definition.group !== group || definition.resource !== plural || definition.version === version) continue;
    for (const rule of rules) if (ruleMatches(rule, attributes, other)) return other;
  }
  return undefined;
}

const among = (values: readonly string[] | undefined, value: string): boolean =>
  (values ?? []).some((each) => each === '*' || each === value);

function ruleMatches(rule: AdmissionRule, attributes: AdmissionAttributes, { definition }: Resource): boolean {
  const { operation, subresource, name } = attributes;
  const { scope = '*', resourceNames = [] } = rule;
  if (!among(rule.operations, operation)) return false;
  if (!among(rule.apiGroups, definition.group) || !among(rule.apiVersions, definition.version)) return false;
  const isNamespaced = definition.namespaced;
  if (scope !== '*' && (scope === 'Namespaced') !== isNamespaced) return false;
  if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
  return (rule.resources ?? []).some((text) => {
    const [plural, part] = text.split('/', 2);
    if (plural !== '*' && plural !== definition.resource) return false;
    return part === undefined ? subresource === '' : part === '*' || part === subresource;
  });
}

/** Labels of the object as it is or was, and of the namespace that it is in, or is. */
export function selectorsMatch(
  server: ServerContext,
  attributes: AdmissionAttributes,
  { namespaceSelector, objectSelector }: { namespaceSelector?: LabelSelector; objectSelector?: LabelSelector },
): boolean {
  const { object, oldObject } = attributes;
  // Options of a connection can have no labels, so they have none that could match.
  if (attributes.operation === 'CONNECT' && !isEmpty(objectSelector)) return false;
  const labels = [object, oldObject].filter((each) => each !== undefined).map((each) => each.metadata?.labels);
  if (!labels.some((each) => labelSelectorMatches(objectSelector ?? {}, each ?? {}))) return false;
  const namespace = namespaceOf(server, attributes);
  if (namespace === undefined) return true;
  return labelSelectorMatches(namespaceSelector ?? {}, namespace.metadata?.labels ?? {});
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** The namespace that an object is in; a namespace is in itself. Undefined for what is in none. */
export function namespaceOf(server: ServerContext, attributes: AdmissionAttributes): AnyObject | undefined {
  const { resource, namespace, object, oldObject } = attributes;
  const { kind, group } = resource.definition;
  if (kind === 'Namespace' && group === '') return object ?? oldObject;
  if (namespace === undefined) return undefined;
  return server.registry.builtin('', 'v1', 'namespaces').collection.get(undefined, namespace)?.object;
}

/** The write as another version of its resource shows it. Rejects where a conversion fails. */
export function shownAs(
  attributes: AdmissionAttributes,
  matched: Resource,
): AdmissionAttributes | Promise<AdmissionAttributes> {
  if (matched === attributes.matched) return attributes;
  return convertWrite(attributes, matched);
}

async function convertWrite(attributes: AdmissionAttributes, matched: Resource): Promise<AdmissionAttributes> {
  const { resource, object, oldObject } = attributes;
  const shown = async (each: AnyObject | undefined): Promise<AnyObject | undefined> =>
    each === undefined ? undefined : await convertBetween(resource, matched, each);
  return { ...attributes, matched, object: await shown(object), oldObject: await shown(oldObject) };
}
