// One rule: which series it is about, what they are called in the API, whose they are, and how they are asked for.
// Pure; knows PromQL's matchers, and no server. (Upstream: prometheus-adapter, pkg/naming.)
import { builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import type { LabelQuery, LabelRequirement } from '#kube/api/selector.ts';
import { badRequest } from '#kube/api/status.ts';
import { compileRegex } from '#lib/linear-regex.ts';
import type { Template } from './template.ts';

export type SeriesLabels = Readonly<Record<string, string>>;

export interface RuleFields {
  readonly seriesQuery: string;
  readonly seriesFilters?:
    | readonly { readonly is?: string | undefined; readonly isNot?: string | undefined }[]
    | undefined;
  readonly resources?:
    | {
        readonly template?: Template | undefined;
        readonly overrides?:
          | Readonly<Record<string, { readonly group?: string | undefined; readonly resource: string }>>
          | undefined;
        readonly namespaced?: boolean | undefined;
      }
    | undefined;
  readonly name?: { readonly matches?: string | undefined; readonly as?: string | undefined } | undefined;
  readonly metricsQuery: Template;
}

const NAMESPACES = 'namespaces';

export class Rule {
  readonly #fields: RuleFields;
  /** By resource, `pods` or `deployments.apps`. */
  readonly #labels = new Map<string, string>();

  constructor(fields: RuleFields) {
    this.#fields = fields;
    const { template, overrides = {} } = fields.resources ?? {};
    if (template !== undefined) {
      for (const kind of builtinResources) {
        const made = template({ Group: kind.group.replace(/[.-]/g, '_'), Resource: kind.singular });
        if (!this.#labels.has(pathName(kind))) this.#labels.set(pathName(kind), made);
      }
    }
    for (const [label, { group = '', resource }] of Object.entries(overrides)) {
      this.#labels.set(normalized(group, resource), label);
    }
  }

  get seriesQuery(): string {
    return this.#fields.seriesQuery;
  }

  /** The name in the API of a series; undefined when the rule leaves it out. */
  metricOf(series: string): string | undefined {
    const { seriesFilters = [], name = {} } = this.#fields;
    for (const { is, isNot } of seriesFilters) {
      if ((is !== undefined && !found(is, series)) || (isNot !== undefined && found(isNot, series))) return undefined;
    }
    const { matches = '.*' } = name;
    const compiled = compileRegex(matches);
    if ('error' in compiled) return undefined;
    const matcher = compiled.matcher(series);
    if (!matcher.find()) return undefined;
    const as = name.as ?? (compiled.groupCount() === 1 ? '$1' : '$0');
    return as.replace(/\$(?:\{(\w+)\}|(\w+)|(\$))/g, (_, braced?: string, bare?: string, dollar?: string) => {
      if (dollar !== undefined) return '$';
      const group = braced ?? bare ?? '';
      if (/^\d+$/.test(group)) return Number(group) > compiled.groupCount() ? '' : (matcher.group(Number(group)) ?? '');
      return Object.hasOwn(compiled.namedGroups(), group) ? (matcher.group(group) ?? '') : '';
    });
  }

  /** Resources that a series tells of: those whose label it has; of namespaced ones only with the namespace's label. */
  resourcesOf(labels: SeriesLabels): readonly string[] {
    const inNamespace = Object.hasOwn(labels, this.#labels.get(NAMESPACES) ?? '');
    return [...this.#labels]
      .filter(([resource, label]) => Object.hasOwn(labels, label) && (inNamespace || isRooted(resource)))
      .map(([resource]) => resource);
  }

  /** The label that tells objects of a resource apart. */
  labelOf(resource: string): string | undefined {
    return this.#labels.get(resource);
  }

  /** Of the objects with these names. Throws `StatusError` 400 for a selector that PromQL cannot say. */
  customQuery(
    series: string,
    resource: string,
    namespace: string,
    names: readonly string[],
    narrowed: LabelQuery,
  ): string {
    const matchers = narrowed.requirements.map(matcherOf);
    if (namespace !== '') matchers.push(equal(this.#labels.get(NAMESPACES) ?? NAMESPACES, namespace));
    const label = this.#labels.get(resource) ?? '';
    matchers.push(anyOf(label, names));
    return this.#query(series, matchers, [label]);
  }

  externalQuery(series: string, namespace: string, narrowed: LabelQuery): string {
    const matchers = narrowed.requirements.map(matcherOf);
    if (this.#fields.resources?.namespaced !== false) {
      matchers.push(equal(this.#labels.get(NAMESPACES) ?? NAMESPACES, namespace));
    }
    return this.#query(series, matchers, []);
  }

  #query(series: string, matchers: readonly Matcher[], groupBy: readonly string[]): string {
    return this.#fields.metricsQuery({
      Series: series,
      LabelMatchers: matchers.map(({ text }) => text).join(','),
      LabelValuesByName: Object.fromEntries(matchers.map(({ label, values }) => [label, values.join('|')])),
      GroupBy: groupBy.join(','),
      GroupBySlice: groupBy,
    });
  }
}

interface Matcher {
  readonly label: string;
  readonly values: readonly string[];
  readonly text: string;
}

const quoted = (text: string): string => JSON.stringify(text);
const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
const matcher = (label: string, operator: string, values: readonly string[]): Matcher => ({
  label,
  values,
  text: `${label}${operator}${quoted(operator.includes('~') ? values.map(literal).join('|') : (values[0] ?? ''))}`,
});
const equal = (label: string, value: string): Matcher => matcher(label, '=', [value]);

function anyOf(label: string, values: readonly string[]): Matcher {
  return values.length === 1 ? matcher(label, '=', values) : matcher(label, '=~', values);
}

function matcherOf({ key, operator, values }: LabelRequirement): Matcher {
  const several = values.length > 1;
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return anyOf(key, values);
    case '!=':
    case 'notin':
      return matcher(key, several ? '!~' : '!=', values);
    case 'exists':
      return matcher(key, '!=', ['']);
    case '!':
      return matcher(key, '=', ['']);
    default:
      throw badRequest(`label ${key} cannot be compared by "${operator}" in a query to Prometheus`);
  }
}

function found(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  return !('error' in compiled) && compiled.matcher(text).find();
}

const pathName = ({ group, resource }: Pick<ResourceDefinition, 'group' | 'resource'>): string =>
  group === '' ? resource : `${resource}.${group}`;

/** `pod` and `Pod` are `pods`; a resource that is not built in stays as it is written. */
function normalized(group: string, resource: string): string {
  const wanted = resource.toLowerCase();
  const known = builtinResources.find((one) => one.group === group && [one.resource, one.singular].includes(wanted));
  return pathName(known ?? { group, resource });
}

function isRooted(resource: string): boolean {
  return builtinResources.some((one) => pathName(one) === resource && !one.namespaced);
}
