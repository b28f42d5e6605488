// Says in words which filters act on a request of a route, in the order in which it meets them: for `explain`.
// Pure; says what is configured, not what a certain request would make of it.

import { inOrder } from './filter-order.ts';
import type {
  ExternalAuth,
  HeaderEdits,
  PathRewrite,
  Redirect,
  Route,
  RouteFilter,
  WeightedCluster,
} from './ir-route.ts';

/** One line a filter; `backend` is where the request goes, if it goes anywhere. */
export function describeFilters(route: Route, backend?: WeightedCluster): readonly string[] {
  return inOrder(route.filters, backend?.filters).map(describeFilter);
}

function describeFilter(filter: RouteFilter): string {
  switch (filter.type) {
    case 'request_headers':
      return `request headers: ${edits(filter)}`;
    case 'response_headers':
      return `response headers: ${edits(filter)}`;
    case 'rewrite':
      return `rewrite: ${[
        ...(filter.hostname === undefined ? [] : [`host to ${filter.hostname}`]),
        ...(filter.path === undefined ? [] : [describePathRewrite(filter.path)]),
      ].join(', ')}`;
    case 'cors':
      return `cors: origins ${filter.allowOrigins.join(', ')}${filter.allowCredentials ? ', with credentials' : ''}`;
    case 'mirror':
      return `mirror: ${filter.percent}% to ${filter.cluster}`;
    case 'external_auth':
      return describeAuth(filter);
    case 'buffer_request':
      return `buffer request: up to ${filter.maxBytes} bytes`;
    case 'buffer_response':
      return `buffer response: up to ${filter.maxBytes} bytes`;
    case 'body_limit':
      return `body limit: ${filter.maxBytes} bytes`;
    case 'compression':
      return `compression: ${filter.algorithms.join(', ')} from ${filter.minBytes} bytes`;
  }
}

function describeAuth(auth: ExternalAuth): string {
  const prefix = auth.protocol === 'http' && auth.pathPrefix !== '' ? ` below ${auth.pathPrefix}` : '';
  const body = auth.maxBody === 0 ? 'without the body' : `with up to ${auth.maxBody} bytes of the body`;
  return `external auth: asks ${auth.cluster} by ${auth.protocol === 'http' ? 'HTTP' : 'gRPC'}${prefix}, ${body}`;
}

/** `301 to https, path /new`. */
export function describeRedirect(redirect: Redirect): string {
  const parts = [
    ...(redirect.scheme === undefined ? [] : [redirect.scheme]),
    ...(redirect.hostname === undefined ? [] : [`host ${redirect.hostname}`]),
    ...(redirect.port === undefined || redirect.port === 0 ? [] : [`port ${redirect.port}`]),
    ...(redirect.path === undefined ? [] : [describePathRewrite(redirect.path)]),
    ...(redirect.dropQuery === true ? ['without the query'] : []),
  ];
  return parts.length === 0 ? String(redirect.status) : `${redirect.status} to ${parts.join(', ')}`;
}

function describePathRewrite(path: PathRewrite): string {
  if (path.type === 'full') return `path ${path.value}`;
  if (path.type === 'prefix') return `prefix ${path.value === '' ? '/' : path.value}`;
  return `path s/${path.pattern}/${path.substitution}/`;
}

function edits({ set = [], add = [], remove = [] }: HeaderEdits): string {
  return [
    ...set.map(({ name }) => `set ${name}`),
    ...add.map(({ name }) => `add ${name}`),
    ...remove.map((name) => `remove ${name}`),
  ].join(', ');
}
