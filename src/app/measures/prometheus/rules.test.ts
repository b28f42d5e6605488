// Rules of prometheus-adapter: names, resources and queries, and everything that can be wrong with a file of them.
import { expect, test } from 'vitest';
import { parseLabelSelector } from '#kube/api/selector.ts';
import { formatProblem } from '../../manifests/format.ts';
import { readRules } from './read-rules.ts';
import type { Rule } from './rule.ts';
import { compileTemplate } from './template.ts';

const all = parseLabelSelector('');

function ruleOf(fields: string, kind: 'rules' | 'externalRules' = 'rules'): Rule {
  const read = readRules(`${kind}:\n  - ${fields.trim().replaceAll('\n', '\n    ')}\n`, 'rules.yaml');
  if ('problems' in read) throw new Error(read.problems.map(formatProblem).join('\n'));
  const [rule] = kind === 'rules' ? read.custom : read.external;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}

const requests = ruleOf(
  `
seriesQuery: '{__name__=~"^http_.*",namespace!="",pod!=""}'
resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, app: {group: apps, resource: deployment}, node: {resource: node}}}
name: {matches: "^(.*)_total$", as: "$\{1}_per_second"}
metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'
`.replace('\\', ''),
);

test('a series has the name that the rule gives it', () => {
  expect(requests.metricOf('http_requests_total')).toBe('http_requests_per_second');
  expect(requests.metricOf('http_duration')).toBeUndefined();
});

test.each([
  ['name: {}', 'queue_depth', 'queue_depth'],
  ['name: {matches: "^my_(.*)$"}', 'my_queue', 'queue'],
  ['name: {matches: "^(?P<what>.*)_total$", as: "all_$what"}', 'jobs_total', 'all_jobs'],
  ['seriesFilters: [{isNot: "_total$"}]', 'jobs_total', undefined],
  ['seriesFilters: [{is: "_total$"}, {isNot: ^cron}]', 'jobs_total', 'jobs_total'],
  ['seriesFilters: [{is: "_total$"}, {isNot: ^cron}]', 'cron_jobs_total', undefined],
])('%s calls %s %s', (fields, series, name) => {
  const rule = ruleOf(`
seriesQuery: x
resources: {overrides: {pod: {resource: pods}}}
metricsQuery: <<.Series>>
${fields}`);
  expect(rule.metricOf(series)).toBe(name);
});

test('a series is of the objects whose labels it has', () => {
  const labels = { __name__: 'http_requests_total', namespace: 'shop', pod: 'web-1', node: 'n1' };
  expect(requests.resourcesOf(labels)).toEqual(['namespaces', 'pods', 'nodes']);
  // What is in a namespace cannot be told apart without it.
  expect(requests.resourcesOf({ pod: 'web-1', node: 'n1' })).toEqual(['nodes']);
});

test.each([
  ['pods', ['web-1'], '', 'namespace="shop",pod="web-1"', 'pod'],
  ['pods', ['web-1', 'web.2'], '', 'namespace="shop",pod=~"web-1|web\\\\.2"', 'pod'],
  ['pods', ['web-1'], 'verb=GET', 'verb="GET",namespace="shop",pod="web-1"', 'pod'],
  ['pods', ['web-1'], 'verb!=GET', 'verb!="GET",namespace="shop",pod="web-1"', 'pod'],
  ['pods', ['web-1'], 'verb in (GET,PUT)', 'verb=~"GET|PUT",namespace="shop",pod="web-1"', 'pod'],
  ['pods', ['web-1'], 'verb notin (GET,PUT)', 'verb!~"GET|PUT",namespace="shop",pod="web-1"', 'pod'],
  ['pods', ['web-1'], 'verb,!path', 'path="",verb!="",namespace="shop",pod="web-1"', 'pod'],
  ['deployments.apps', ['web'], '', 'namespace="shop",app="web"', 'app'],
])('%s %j narrowed by "%s" are asked for by %s', (resource, names, selector, matchers, by) => {
  expect(requests.customQuery('http_requests_total', resource, 'shop', names, parseLabelSelector(selector))).toBe(
    `sum(rate(http_requests_total{${matchers}}[2m])) by (${by})`,
  );
});

test('what PromQL cannot say is refused', () => {
  const narrowed = parseLabelSelector('size>3');
  expect(() => requests.customQuery('x', 'pods', 'shop', ['a'], narrowed)).toThrow(/label size cannot be compared/);
});

test('a template names the labels of every resource', () => {
  const rule = ruleOf(`
seriesQuery: x
resources: {template: "kube_<<.Group>>_<<.Resource>>", overrides: {namespace: {resource: namespace}}}
metricsQuery: 'x{<<.LabelMatchers>>}'`);
  expect(rule.labelOf('deployments.apps')).toBe('kube_apps_deployment');
  expect(rule.labelOf('ingresses.networking.k8s.io')).toBe('kube_networking_k8s_io_ingress');
  expect(rule.labelOf('namespaces')).toBe('namespace');
});

test('an external metric is of a namespace, unless the rule says that it is not', () => {
  const fields = "seriesQuery: queue\nmetricsQuery: 'max(<<.Series>>{<<.LabelMatchers>>})'\nresources: ";
  const inNamespace = ruleOf(`${fields}{overrides: {ns: {resource: namespace}}}`, 'externalRules');
  expect(inNamespace.externalQuery('queue', 'shop', parseLabelSelector('name=mail'))).toBe(
    'max(queue{name="mail",ns="shop"})',
  );
  const anywhere = ruleOf(`${fields}{namespaced: false}`, 'externalRules');
  expect(anywhere.externalQuery('queue', 'shop', all)).toBe('max(queue{})');
});

test.each([
  ['<<.A>>', 'a'],
  ['x<< .A >>y<<.A>>', 'xaya'],
  ['<<index .M "k">>/<<.M.k>>/<<index .M "none">>', 'v/v/'],
  ['<<index .L 1>>', 'two'],
  ['x  <<- .A ->>  y', 'xay'],
  ['a < b << .A >>', 'a < b a'],
])('the template %s', (text, result) => {
  const template = compileTemplate(text, { A: 'text', M: 'map', L: 'list' });
  if ('error' in template) throw new Error(template.error);
  expect(template({ A: 'a', M: { k: 'v' }, L: ['one', 'two'] })).toBe(result);
});

test.each([
  ['<<.A', 'a "<<" is not closed by ">>"'],
  ['<<.A>> <<', 'a "<<" is not closed by ">>"'],
  ['<<range .L>>', 'is more than a field'],
  ['<<.B>>', 'there is no field ".B": there are .A, .M, .L'],
  ['<<.M>>', 'write <<index .M "label">>'],
  ['<<.A.x>>', 'write <<.A>>'],
])('the template %s is refused', (text, error) => {
  expect(compileTemplate(text, { A: 'text', M: 'map', L: 'list' })).toMatchObject({
    error: expect.stringContaining(error),
  });
});

const RULE = "seriesQuery: 'x{pod!=\"\"}', resources: {overrides: {pod: {resource: pod}}}, metricsQuery: 'x'";

test.each([
  ['', 'rules.yaml:1:1: The file has no rules: nothing would be measured'],
  ['rules: 5', 'Field "rules" is the number 5, not a list of rules'],
  ['rules: [{}]', 'Field "rules[0].seriesQuery" is missing. Add it: write'],
  [
    `rules: [{${RULE.replace('seriesQuery', 'serieQuery')}}]`,
    'Field "rules[0].serieQuery" does not exist. Did you mean "seriesQuery"?',
  ],
  [`rules: [{${RULE.replace('x{pod!=""}', 'rate of x')}}]`, 'it is no selector of series'],
  [`rules: [{${RULE.replace("metricsQuery: 'x'", "metricsQuery: '<<.Serie>>'")}}]`, 'there is no field ".Serie"'],
  [
    `rules: [{${RULE.replace('resources: {overrides: {pod: {resource: pod}}}, ', '')}}]`,
    'does not say which labels name objects',
  ],
  [`rules: [{${RULE.replace('{pod: {resource', '{po-d: {resource')}}]`, 'is no name of a label'],
  [`rules: [{${RULE}, name: {matches: '('}}]`, 'Field "rules[0].name.matches" is the string "(": missing closing )'],
  [`rules: [{${RULE}, name: {matches: '(a)(b)'}}]`, 'has 2 groups, and nothing says which of them is the name'],
  [`rules: [{${RULE}, seriesFilters: [{}]}]`, 'needs either "is" or "isNot"'],
  [`externalRules: [{${RULE}}]`, 'does not say which label is the namespace'],
  ['resourceRules: {cpu: {}}', 'CPU and memory are read from the kubelets. Remove it.'],
  ['rules: [', 'is not valid YAML'],
])('%s is told of', (text, message) => {
  const read = readRules(text, 'rules.yaml');
  expect('problems' in read ? read.problems.map(formatProblem).join('\n') : 'no problem').toContain(message);
});
