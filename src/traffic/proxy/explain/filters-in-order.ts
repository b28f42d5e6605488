// Filters of a route and of a backend in the order in which a request meets them.
// Knows the order only.
import type { RouteFilter } from '#traffic/model/ir.ts';

export function filtersInOrder(
  route: readonly RouteFilter[] = [],
  backend: readonly RouteFilter[] = [],
): readonly RouteFilter[] {
  return [...route, ...backend];
}
