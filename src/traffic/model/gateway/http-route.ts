// From one HTTPRoute to entries of virtual hosts.
// Knows no listener and no other route: where it is served, and who comes first, is decided elsewhere.
import type { HttpMatch, HttpRoute, HttpRule, ValueMatchSpec } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { wholeMatch } from '#lib/linear-regex.ts';
import { canonicalPath } from '../canonical-path.ts';
import type { HeaderMatch, LocalAnswer, PathMatch, RetryPolicy, Route, RouteTimeouts, ValueMatch } from '../ir.ts';
import { type BackendLookups, routeChanges } from './backends.ts';
import type { Fault } from './conditions.ts';
import { durationMs } from './duration.ts';
import { routeName } from './names.ts';
import { lateFaults, type RouteOutcome } from './route-outcome.ts';
import { ruleAction } from './rule-action.ts';
import { affinityOf } from './session.ts';

const everything: readonly HttpMatch[] = [{}];
const cannot = (reason: string): LocalAnswer => ({ status: 500, reason });
/** A status may mean that nothing was done; what broke on the way always does, or is safe to repeat. */
const BROKEN: RetryPolicy['on'] = ['connect_failure', 'reset', 'refused_stream', 'timeout'];

export function translateHttpRoute(route: HttpRoute, lookups: BackendLookups): RouteOutcome {
  const key = objectKey(route);
  const namespace = route.metadata?.namespace ?? '';
  const routes: Route[] = [];
  const refFaults: Fault[] = [];
  const ruleFaults = new Map<number, Fault[]>();
  const rules = route.spec?.rules ?? [];
  for (const [at, rule] of rules.entries()) {
    const field = `spec.rules[${at}]`;
    const affinity = affinityOf(rule.sessionPersistence, `HTTPRoute ${key} ${at}`);
    const changes = routeChanges('HTTPRoute', key, rule.name, lookups);
    const use = { kind: 'HTTPRoute' as const, namespace, changes, ...(affinity === undefined ? {} : { affinity }) };
    const done = ruleAction(rule, field, use, lookups, cannot);
    refFaults.push(...done.refFaults);
    const faults = [...done.faults];
    for (const [place, match] of (rule.matches ?? everything).entries()) {
      const wrong = regexFaults(match, `${field}.matches[${place}]`);
      faults.push(...wrong);
      // What cannot be told apart from other requests takes none.
      if (wrong.length > 0) continue;
      const entry: Route = {
        name: routeName('HTTPRoute', key, at, place),
        metricName: `${key}/${rule.name ?? at}`,
        path: pathOf(match),
        ...(match.method === undefined ? {} : { method: match.method }),
        ...some('headers', headersOf(match.headers)),
        ...some('query', queryOf(match.queryParams)),
        ...some('filters', done.filters),
        action: done.action,
        ...timeoutsOf(rule),
        ...retryOf(rule),
      };
      if (done.faults.length === 0) faults.push(...lateFaults(entry, field));
      routes.push(entry);
    }
    if (faults.length > 0) ruleFaults.set(at, faults);
  }
  return { routes, refFaults, ruleFaults, rules: rules.length };
}

function some<Name extends string, T>(name: Name, list: readonly T[]): { readonly [Key in Name]?: readonly T[] } {
  return list.length === 0 ? {} : ({ [name]: list } as { readonly [Key in Name]?: readonly T[] });
}

function pathOf({ path = {} }: HttpMatch): PathMatch {
  const { type = 'PathPrefix', value = '/' } = path;
  if (type === 'RegularExpression') return { type: 'regex', value };
  return { type: type === 'Exact' ? 'exact' : 'prefix', value: canonicalPath(value) };
}

export function valueMatchOf({ type, value }: ValueMatchSpec): ValueMatch {
  return type === 'RegularExpression' ? { type: 'regex', value } : { type: 'exact', value };
}

/** Of equal names, whatever their case, the first counts. */
export function headersOf(specs: readonly ValueMatchSpec[] = []): HeaderMatch[] {
  const found = new Map<string, HeaderMatch>();
  for (const spec of specs) {
    const name = spec.name.toLowerCase();
    if (!found.has(name)) found.set(name, { name, match: valueMatchOf(spec) });
  }
  return [...found.values()];
}

function queryOf(specs: readonly ValueMatchSpec[] = []) {
  const found = new Map(specs.toReversed().map((spec) => [spec.name, { name: spec.name, match: valueMatchOf(spec) }]));
  return [...found.values()].toReversed();
}

function regexFaults({ path, headers = [], queryParams = [] }: HttpMatch, field: string): Fault[] {
  const patterns = [
    ...(path?.type === 'RegularExpression' ? [[`${field}.path`, path.value ?? ''] as const] : []),
    ...regexesOf(headers, `${field}.headers`),
    ...regexesOf(queryParams, `${field}.queryParams`),
  ];
  return badPatterns(patterns);
}

export function regexesOf(specs: readonly ValueMatchSpec[], field: string): (readonly [string, string])[] {
  return specs.flatMap((spec, at) =>
    spec.type === 'RegularExpression' ? [[`${field}[${at}]`, spec.value] as const] : [],
  );
}

export function badPatterns(patterns: readonly (readonly [field: string, pattern: string])[]): Fault[] {
  return patterns.flatMap(([field, pattern]) => {
    const read = wholeMatch(pattern);
    if (!('error' in read)) return [];
    return [
      { reason: 'UnsupportedValue', message: `${field}: "${pattern}" is no regular expression of RE2: ${read.error}` },
    ];
  });
}

function timeoutsOf({ timeouts }: HttpRule): { readonly timeouts?: RouteTimeouts } {
  const request = durationMs(timeouts?.request ?? '');
  const perTry = durationMs(timeouts?.backendRequest ?? '');
  if (request === undefined && perTry === undefined) return {};
  return {
    timeouts: { ...(request === undefined ? {} : { request }), ...(perTry === undefined ? {} : { perTry }) },
  };
}

/** A wait grows from try to try, up to ten times what was asked for. */
function retryOf({ retry }: HttpRule): { readonly retry?: RetryPolicy } {
  if (retry === undefined) return {};
  const wait = durationMs(retry.backoff ?? '');
  return {
    retry: {
      attempts: retry.attempts ?? 1,
      ...(BROKEN === undefined ? {} : { on: BROKEN }),
      ...(retry.codes === undefined ? {} : { statuses: retry.codes }),
      ...(wait === undefined ? {} : { backoff: { baseMs: wait, maxMs: wait * 10 } }),
    },
  };
}
