// Why a request gets the route it gets: every route of a virtual host looked at in turn, in order of precedence.
// For people, and slow; says the same as the path table, which a property test holds.
import { wholeMatch } from '#lib/linear-regex.ts';
import type { PathMatch, Route, VirtualHost } from '#traffic/model/ir.ts';
import { byPrecedence, prefixKey } from './precedence.ts';
import type { RequestView } from './request-view.ts';
import { RouteConditions, type Unmet } from './route-conditions.ts';

/** What became of one route. */
export type RouteOutcome =
  /** The request takes it. */
  | { readonly type: 'matched'; readonly route: Route }
  /** It would take the request, if one with precedence did not. */
  | { readonly type: 'outranked'; readonly route: Route }
  /** Its path matches and something else does not. */
  | { readonly type: 'unmet'; readonly route: Route; readonly unmet: readonly Unmet[] }
  /** Its path does not match. */
  | { readonly type: 'path'; readonly route: Route };

/** Outcomes in order of precedence; at most one is `matched`. */
export function explainRoutes(host: VirtualHost, path: string, request: RequestView): readonly RouteOutcome[] {
  const bare = path.split('?', 1)[0] ?? '';
  let taken = false;
  return [...host.routes].sort(byPrecedence).map((route) => {
    if (!pathMatches(route.path, bare)) return { type: 'path', route };
    const unmet = RouteConditions.of(route)?.unmet(request) ?? [];
    if (unmet.length > 0) return { type: 'unmet', route, unmet };
    if (taken) return { type: 'outranked', route };
    taken = true;
    return { type: 'matched', route };
  });
}

function pathMatches(match: PathMatch, path: string): boolean {
  if (match.type === 'exact') return match.value === path;
  if (match.type === 'prefix') {
    const key = prefixKey(match.value);
    return key === '' || `${path}/`.startsWith(`${key}/`);
  }
  const matches = wholeMatch(match.value);
  return !('error' in matches) && matches(path);
}
