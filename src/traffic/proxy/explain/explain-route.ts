// Which route of a virtual host a request takes, why it won, and which came close.
// Knows no cluster.
import type { PathMatch, Route, VirtualHost } from '#traffic/model/ir.ts';
import { explainRoutes, type RequestView, type RouteOutcome } from '#traffic/snapshot/index.ts';
import { describeMatches, describeUnmet } from './describe-match.ts';
import type { ExplainedRoute, OtherRoute } from './explanation.ts';

/** More would hide the near ones. */
const MOST_OTHERS = 8;

export interface RouteExplanation {
  readonly route: ExplainedRoute | undefined;
  readonly others: readonly OtherRoute[];
}

/** `target` may have a query. Routes of other paths came close only when nothing else did. */
export function explainRoute(host: VirtualHost, target: string, request: RequestView): RouteExplanation {
  const outcomes = explainRoutes(host, target, request);
  const won = outcomes.find(({ type }) => type === 'matched')?.route;
  const next = outcomes.find(({ type }) => type === 'outranked')?.route;
  const path = target.split('?', 1)[0] ?? '';
  const others = [...outcomes]
    .filter(({ type }) => type !== 'matched' && (type !== 'path' || won === undefined))
    .sort((a, b) => distance(a, path) - distance(b, path))
    .slice(0, MOST_OTHERS)
    .map((outcome) => ({
      name: outcome.route.name,
      matches: describeMatches(outcome.route),
      because: reasonOf(outcome, won),
    }));
  return { route: won === undefined ? undefined : explained(won, next), others };
}

function explained(won: Route, next: Route | undefined): ExplainedRoute {
  return {
    name: won.name,
    matches: describeMatches(won),
    ...(next === undefined ? {} : { wonOver: { name: next.name, because: `its ${precedence(won, next)}` } }),
    ...(won.timeouts === undefined ? {} : { timeouts: won.timeouts }),
    ...(won.retry === undefined ? {} : { retry: won.retry }),
  };
}

/** What decides between two routes that both match, the better one first; the rules are those of `precedence.ts`. */
function precedence(a: Route, b: Route): string {
  if (a.path.type !== b.path.type) {
    return a.path.type === 'exact' ? 'path is exact' : 'path is a prefix, and patterns come last';
  }
  if (a.path.value.length !== b.path.value.length && a.path.type !== 'exact') {
    return a.path.type === 'prefix' ? 'prefix is longer' : 'pattern is longer';
  }
  if (a.method !== b.method && b.method === undefined) return 'match asks for a method';
  if ((a.headers?.length ?? 0) !== (b.headers?.length ?? 0)) return 'match asks for more headers';
  if ((a.query?.length ?? 0) !== (b.query?.length ?? 0)) return 'match asks for more parameters';
  return 'place in the list is earlier';
}

function reasonOf(outcome: RouteOutcome, won: Route | undefined): string {
  switch (outcome.type) {
    case 'unmet':
      return outcome.unmet.map(describeUnmet).join(', ');
    case 'outranked':
      return won === undefined
        ? 'another route comes first'
        : `"${won.name}" comes first: its ${precedence(won, outcome.route)}`;
    case 'path':
      return pathReason(outcome.route.path);
    case 'matched':
      return '';
  }
}

function pathReason({ type, value }: PathMatch): string {
  if (type === 'exact') return `the path is not "${value}"`;
  return type === 'prefix' ? `the path does not begin with "${value}"` : `the path is not like '${value}'`;
}

/** What failed on a condition came closest, then what lost; of other paths those that begin alike. */
function distance(outcome: RouteOutcome, path: string): number {
  if (outcome.type === 'unmet') return outcome.unmet.length;
  if (outcome.type === 'outranked') return 100;
  const { value } = outcome.route.path;
  let same = 0;
  while (same < value.length && value[same] === path[same]) same++;
  return 10_000 - same;
}
