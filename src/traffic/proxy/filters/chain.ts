// Which filters exist, and the chain of one route and backend: made at its first request, kept as long as the route.
// Knows every filter by its name and how to make it; what one does is in its own file.

import { inOrder } from '#traffic/model/filter-order.ts';
import type { Route, RouteFilter, WeightedCluster } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { textReply } from '../http/local-reply.ts';
import { bodyLimit } from './body-limit.ts';
import { bufferRequest } from './buffer-request.ts';
import { bufferResponse } from './buffer-response.ts';
import { compression } from './compression/compression.ts';
import { cors } from './cors.ts';
import { externalAuth } from './external-auth/external-auth.ts';
import type { FilterFactory, HttpFilter } from './filter.ts';
import { requestHeaders, responseHeaders } from './header-filters.ts';
import { mirror } from './mirror/mirror.ts';
import { rewrite } from './rewrite.ts';

/** Factories in the order in which a request meets the filters (`model/filter-order.ts`). */
export interface FilterChain {
  readonly factories: readonly FilterFactory[];
  /** Places in `factories` as a response head meets them: from the backend up, those of one kind in their own order. */
  readonly responseOrder: readonly number[];
}

/** One line a kind: the compiler sees to it that none is missing. */
const filters: {
  readonly [Type in RouteFilter['type']]: (config: Extract<RouteFilter, { type: Type }>, route: Route) => FilterFactory;
} = {
  request_headers: (config) => shared(requestHeaders(config)),
  response_headers: (config) => shared(responseHeaders(config)),
  rewrite: (config, route) => shared(rewrite(config, route.path)),
  cors,
  body_limit: (config) => shared(bodyLimit(config)),
  buffer_request: (config) => shared(bufferRequest(config)),
  buffer_response: bufferResponse,
  compression,
  mirror,
  external_auth: externalAuth,
};

/** For filters that keep nothing of a request: one object serves all. */
function shared(filter: HttpFilter): FilterFactory {
  return () => filter;
}

function factory<Type extends RouteFilter['type']>(
  config: Extract<RouteFilter, { type: Type }>,
  route: Route,
): FilterFactory {
  return filters[config.type as Type](config, route);
}

/** Settings that cannot be acted on: better no answer than one without the filter that was to guard it. */
export const invalidFilter = textReply(500, 'Route has a filter that is not valid', 'invalid_filter');
const refuse: FilterChain = {
  factories: [shared({ onRequest: () => invalidFilter })],
  responseOrder: [0],
};

/** Chains by backend; the route itself stands for "no backend". */
const chains = new WeakMap<Route, Map<WeightedCluster | Route, FilterChain>>();

/** The chain of a route that has filters, or whose backend has. */
export function chainOf(route: Route, backend: WeightedCluster | undefined): FilterChain {
  let known = chains.get(route);
  if (known === undefined) {
    known = new Map();
    chains.set(route, known);
  }
  const key = backend ?? route;
  const chain = known.get(key);
  if (chain !== undefined) return chain;
  const made = routeProblems(route).length > 0 ? refuse : compile(route, inOrder(route.filters, backend?.filters));
  known.set(key, made);
  return made;
}

function compile(route: Route, configs: readonly RouteFilter[]): FilterChain {
  const kinds = configs.map(({ type }) => type);
  const responseOrder = configs
    .map((_config, at) => at)
    .sort(
      (a, b) =>
        kinds.indexOf(kinds[b] as RouteFilter['type']) - kinds.indexOf(kinds[a] as RouteFilter['type']) || a - b,
    );
  return { factories: configs.map((config) => factory(config, route)), responseOrder };
}
