// What the parts of a route say about each other: filters that contradict, rewrites that have nothing to rewrite.
// Knows no listener.
import type { PathRewrite, Route, RouteFilter, TrafficModel } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import type { CheckClusters, Report } from './cross-check.ts';
import { fieldPath } from './field-path.ts';

const HTTP = ['http1', 'http2'];
/** Two of these on one route would each undo or repeat the other. */
const ONCE = new Set<RouteFilter['type']>([
  'rewrite',
  'cors',
  'buffer_request',
  'buffer_response',
  'body_limit',
  'compression',
]);

/** These act on what goes to a backend, or comes from one. */
const OF_BACKENDS = new Set<RouteFilter['type']>(['mirror', 'buffer_response', 'compression']);

export function checkRoutes(model: TrafficModel, clusters: CheckClusters, tell: Report): void {
  let told = 0;
  const report: Report = (...finding) => {
    told++;
    tell(...finding);
  };
  const taken = new Map<string, string>();
  for (const [hostName, host] of model.virtualHosts) {
    for (const [place, route] of host.routes.entries()) {
      const field = `${fieldPath(['virtualHosts', hostName])}.routes[${place}]`;
      const other = taken.get(route.name);
      if (other !== undefined) {
        report(
          `${field}.name`,
          `Name "${route.name}" is the one of ${other} already`,
          'Give one of the two another name',
        );
      }
      taken.set(route.name, field);
      const before = told;
      const { action } = route;
      if (action.type === 'forward') clusters(action.clusters, `${field}.action.clusters`, HTTP);
      if (action.type === 'redirect') {
        if (action.redirect.hostname?.includes('*') === true) {
          report(
            `${field}.action.redirect.hostname`,
            `Redirect to "${action.redirect.hostname}" names no one host`,
            'Write e.g. shop.example.com',
          );
        }
        checkRewrite(action.redirect.path, route, `${field}.action.redirect.path`, report);
      }
      checkFilters(route.filters ?? [], route, `${field}.filters`, clusters, report);
      for (const [index, backend] of (action.type === 'forward' ? action.clusters : []).entries()) {
        const at = `${field}.action.clusters[${index}].filters`;
        checkFilters(backend.filters ?? [], route, at, clusters, report);
      }
      // What the engine itself would refuse and nobody above has thought of.
      if (told === before) for (const problem of routeProblems(route)) report(field, ...sentences(problem));
    }
  }
}

/** Message and remedy, which stands behind the last colon. */
function sentences(problem: string): [string, string] {
  const [message = problem, remedy = 'Correct it'] = problem.split(/: (?=use |name |set )/);
  return [message, `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`];
}

function checkFilters(
  filters: readonly RouteFilter[],
  route: Route,
  field: string,
  clusters: CheckClusters,
  report: Report,
): void {
  const seen = new Set<RouteFilter['type']>();
  for (const [place, filter] of filters.entries()) {
    const at = `${field}[${place}]`;
    if (seen.has(filter.type) && ONCE.has(filter.type)) {
      report(at, `Route "${route.name}" has a second filter of type ${filter.type}`, 'Keep one of the two');
    }
    seen.add(filter.type);
    if (filter.type === 'rewrite') {
      checkRewrite(filter.path, route, `${at}.path`, report);
      if (route.action.type === 'redirect') {
        report(
          at,
          `Route "${route.name}" redirects, so nothing is forwarded that could be rewritten`,
          'Put it into "action.redirect"',
        );
      }
    }
    if (filter.type === 'mirror') clusters([{ cluster: filter.cluster, weight: 1 }], `${at}.cluster`, HTTP);
    if (route.action.type !== 'forward' && OF_BACKENDS.has(filter.type)) {
      const message = `Route "${route.name}" answers by itself: a filter of type ${filter.type} has nothing to act on there`;
      report(at, message, 'Remove it');
    }
  }
  const limit = filters.find((filter) => filter.type === 'body_limit');
  const buffer = filters.findIndex((filter) => filter.type === 'buffer_request');
  const buffered = filters[buffer];
  if (limit !== undefined && buffered?.type === 'buffer_request' && buffered.maxBytes < limit.maxBytes) {
    const message = `Bodies up to ${limit.maxBytes} bytes are allowed and only ${buffered.maxBytes} are taken in`;
    report(`${field}[${buffer}].maxBytes`, message, 'Make it as large as the limit, or remove the limit');
  }
}

function checkRewrite(rewrite: PathRewrite | undefined, route: Route, field: string, report: Report): void {
  if (rewrite?.type !== 'prefix' || route.path.type === 'prefix') return;
  const message = `Path of route "${route.name}" is matched by ${route.path.type}: there is no prefix to replace`;
  report(field, message, 'Use "type: full" or "type: regex", or match the path by prefix');
}
