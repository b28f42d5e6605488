// Which of two routes is asked first: the order of the Gateway API, in one place.
// Knows no request; what is not decided here is decided by the order in which routes are given.
import type { PathMatch } from '#traffic/model/ir.ts';
import type { RouteMatch } from './route-conditions.ts';

const TYPES: Readonly<Record<PathMatch['type'], number>> = { exact: 0, prefix: 1, regex: 2 };

/**
 * Negative when `a` comes first. Exact paths, then longer prefixes, then longer regular expressions; a method; more
 * header matches; more query matches (Gateway API v1.6, HTTPRouteRule.matches). Of two that are equal the one that was
 * given first wins, so sort with a stable sort.
 */
export function byPrecedence(a: RouteMatch, b: RouteMatch): number {
  return (
    TYPES[a.path.type] - TYPES[b.path.type] ||
    lengthOf(b.path) - lengthOf(a.path) ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    (b.headers?.length ?? 0) - (a.headers?.length ?? 0) ||
    (b.query?.length ?? 0) - (a.query?.length ?? 0)
  );
}

/** A prefix without its trailing slash, which does not count: the empty one takes every path. */
export function prefixKey(value: string): string {
  return value.endsWith('/') ? value.slice(0, -1) : value;
}

function lengthOf(path: PathMatch): number {
  return path.type === 'prefix' ? prefixKey(path.value).length : path.value.length;
}
