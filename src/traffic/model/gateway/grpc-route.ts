// From one GRPCRoute to entries of virtual hosts: a call is a POST to /SERVICE/METHOD over HTTP/2.
// Knows no listener and no other route.
import type { GrpcMatch, GrpcRoute } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import type { LocalAnswer, PathMatch, Route } from '../ir.ts';
import { type BackendLookups, routeChanges } from './backends.ts';
import type { Fault } from './conditions.ts';
import { badPatterns, headersOf, regexesOf } from './http-route.ts';
import { routeName } from './names.ts';
import { lateFaults, type RouteOutcome } from './route-outcome.ts';
import { ruleAction } from './rule-action.ts';
import { affinityOf } from './session.ts';

const everything: readonly GrpcMatch[] = [{}];

/** The engine tells clients of gRPC by a status of theirs: UNAVAILABLE. */
const cannot = (reason: string): LocalAnswer => ({ status: 503, reason });

export function translateGrpcRoute(route: GrpcRoute, lookups: BackendLookups): RouteOutcome {
  const key = objectKey(route);
  const namespace = route.metadata?.namespace ?? '';
  const routes: Route[] = [];
  const refFaults: Fault[] = [];
  const ruleFaults = new Map<number, Fault[]>();
  const rules = route.spec?.rules ?? [];
  for (const [at, rule] of rules.entries()) {
    const field = `spec.rules[${at}]`;
    const affinity = affinityOf(rule.sessionPersistence, `GRPCRoute ${key} ${at}`);
    const changes = routeChanges('GRPCRoute', key, rule.name, lookups);
    const use = { kind: 'GRPCRoute' as const, namespace, changes, ...(affinity === undefined ? {} : { affinity }) };
    const done = ruleAction(rule, field, use, lookups, cannot);
    refFaults.push(...done.refFaults);
    const faults = [...done.faults];
    const matches = rule.matches === undefined || rule.matches.length === 0 ? everything : rule.matches;
    for (const [place, match] of matches.entries()) {
      const path = pathOf(match);
      const at2 = `${field}.matches[${place}]`;
      const wrong = badPatterns([
        ...(path.type === 'regex' ? [[`${at2}.method`, path.value] as const] : []),
        ...regexesOf(match.headers ?? [], `${at2}.headers`),
      ]);
      faults.push(...wrong);
      if (wrong.length > 0) continue;
      const headers = headersOf(match.headers);
      const entry: Route = {
        name: routeName('GRPCRoute', key, at, place),
        metricName: `${key}/${rule.name ?? at}`,
        path,
        ...(headers.length === 0 ? {} : { headers }),
        ...(done.filters.length === 0 ? {} : { filters: done.filters }),
        action: done.action,
      };
      if (done.faults.length === 0) faults.push(...lateFaults(entry, field));
      routes.push(entry);
    }
    if (faults.length > 0) ruleFaults.set(at, faults);
  }
  return { routes, refFaults, ruleFaults, rules: rules.length };
}

function pathOf({ method = {} }: GrpcMatch): PathMatch {
  const { type = 'Exact', service = '', method: name = '' } = method;
  if (type === 'RegularExpression') {
    const part = (pattern: string): string => (pattern === '' ? '[^/]+' : `(?:${pattern})`);
    return service === '' && name === ''
      ? { type: 'prefix', value: '/' }
      : { type: 'regex', value: `/${part(service)}/${part(name)}` };
  }
  if (service !== '' && name !== '') return { type: 'exact', value: `/${service}/${name}` };
  if (service !== '') return { type: 'prefix', value: `/${service}` };
  if (name !== '') return { type: 'regex', value: `/[^/]+/${name}` };
  return { type: 'prefix', value: '/' };
}
