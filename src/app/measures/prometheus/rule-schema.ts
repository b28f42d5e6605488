// What a file of rules may say: the form of prometheus-adapter's configuration.
// Knows fields and their mistakes; what a rule does is rule.ts. (Upstream: prometheus-adapter, docs/config.md.)
import * as v from 'valibot';
import { compileRegex } from '#lib/linear-regex.ts';
import { checked, leaf, list, named, object, optional, type Parsed } from '../../gateway/schema/kit.ts';
import { refusal } from '../../gateway/schema/refusal.ts';
import { compileTemplate, type Template } from './template.ts';

const text = (example: string, parse: (value: string) => Parsed<string> = (value) => ({ value })) =>
  leaf<string>('a text', example, (value) =>
    typeof value !== 'string' ? undefined : value.trim() === '' ? { error: 'it is empty' } : parse(value),
  );

const regex = (example: string) =>
  text(example, (value) => {
    const compiled = compileRegex(value);
    return 'error' in compiled ? { error: compiled.error } : { value };
  });

const template = (example: string, fields: Parameters<typeof compileTemplate>[1]) =>
  leaf<Template>('a text', example, (value) => {
    if (typeof value !== 'string' || value.trim() === '') return undefined;
    const compiled = compileTemplate(value, fields);
    return 'error' in compiled ? compiled : { value: compiled };
  });

const yesOrNo = leaf<boolean>('true or false', 'true', (value) => (typeof value === 'boolean' ? { value } : undefined));

const label = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, refusal('% is no name of a label', 'Write e.g. "namespace"')),
);

const filter = checked(object({ is: optional(regex('"_total$"')), isNot: optional(regex('"_total$"')) }), (filters) =>
  (filters.is === undefined) === (filters.isNot === undefined)
    ? { error: 'needs either "is" or "isNot"', remedy: 'Write one of them' }
    : undefined,
);

const name = checked(
  object({ matches: optional(regex('"^(.*)_total$"')), as: optional(text('"$1_per_second"')) }),
  ({ matches, as }) => {
    if (as !== undefined || matches === undefined || groupsIn(matches) < 2) return undefined;
    return {
      field: 'matches',
      error: `has ${groupsIn(matches)} groups, and nothing says which of them is the name`,
      remedy: 'Write "as", e.g. as: "$1-$2"',
    };
  },
);

const resource = object({
  group: optional(leaf<string>('a text', 'apps', (value) => (typeof value === 'string' ? { value } : undefined))),
  resource: text('pods'),
});

const resources = object({
  template: optional(template('"kube_<<.Group>>_<<.Resource>>"', { Group: 'text', Resource: 'text' })),
  overrides: optional(named(resource, 'resources', label)),
  /** Of external rules only: whether series are those of a namespace. */
  namespaced: optional(yesOrNo),
});

const query = template("'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'", {
  Series: 'text',
  LabelMatchers: 'text',
  LabelValuesByName: 'map',
  GroupBy: 'text',
  GroupBySlice: 'list',
});

const selector = text('\'{__name__=~"^http_.*",pod!=""}\'', (value) =>
  /[{}]/.test(value) || /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value)
    ? { value }
    : { error: 'it is no selector of series', remedy: 'Write e.g. \'http_requests_total{namespace!="",pod!=""}\'' },
);

const rule = object({
  seriesQuery: selector,
  seriesFilters: optional(list(filter, 'filters')),
  resources: optional(resources),
  name: optional(name),
  metricsQuery: query,
});

const custom = checked(rule, ({ resources: of }) =>
  of?.template === undefined && Object.keys(of?.overrides ?? {}).length === 0
    ? {
        field: 'resources',
        error: 'does not say which labels name objects',
        remedy: 'Write e.g. resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}',
      }
    : undefined,
);

const external = checked(rule, ({ resources: of }) => {
  const labels = Object.values(of?.overrides ?? {}).map((one) => one.resource);
  const known = of?.template !== undefined || labels.some((one) => /^namespaces?$/.test(one));
  return known || of?.namespaced === false
    ? undefined
    : {
        field: 'resources',
        error: 'does not say which label is the namespace',
        remedy: 'Write resources: {overrides: {namespace: {resource: namespace}}}, or resources: {namespaced: false}',
      };
});

/** Metrics of pods and nodes come from the kubelets: nobody has to say how they are asked for. */
const resourceRules = leaf<undefined>('left out', 'nothing there', () => ({
  error: 'it has no place here: CPU and memory are read from the kubelets',
  remedy: 'Remove it',
}));

export const ruleFile = object({
  rules: optional(list(custom, 'rules')),
  externalRules: optional(list(external, 'rules')),
  resourceRules: optional(resourceRules),
});

function groupsIn(pattern: string): number {
  const compiled = compileRegex(pattern);
  return 'error' in compiled ? 0 : compiled.groupCount();
}
