// Virtual hosts and their routes.
// Knows clusters by name only; whether they exist is checked elsewhere.

import * as v from 'valibot';
import type {
  HeaderMatch,
  PathMatch,
  QueryMatch,
  Redirect,
  Route,
  RouteAction,
  RouteTimeouts,
  ValueMatch,
  VirtualHost,
} from '#traffic/model/ir.ts';
import { retry, weightedCluster } from './common.ts';
import { filter, pathRewrite } from './filter.ts';
import {
  byType,
  type EveryField,
  isRecord,
  list,
  mapped,
  named,
  object,
  oneOf,
  optional,
  type Schema,
  short,
} from './kit.ts';
import {
  duration,
  endpointPort,
  flag,
  headerName,
  headerValue,
  hostPattern,
  integer,
  method,
  name,
  regex,
  routePath,
  text,
} from './values.ts';

const path: Schema<PathMatch> = short<PathMatch>(
  mapped(routePath, (value) => ({ type: 'prefix', value })),
  byType<PathMatch>({
    exact: object({ type: oneOf('exact'), value: routePath }),
    prefix: object({ type: oneOf('prefix'), value: routePath }),
    regex: object({ type: oneOf('regex'), value: regex }),
  }),
);

const valueMatch: Schema<ValueMatch> = short<ValueMatch>(
  mapped(headerValue, (value) => ({ type: 'exact', value })),
  byType<ValueMatch>({
    exact: object({ type: oneOf('exact'), value: headerValue }),
    regex: object({ type: oneOf('regex'), value: regex }),
    present: object({ type: oneOf('present') }),
  }),
);

/** A list, or `name: value` where every name is asked for once. */
function matches<T>(itemName: Schema<string>, finish: (name: string, match: ValueMatch) => T): Schema<T[]> {
  const asList = mapped(list(object({ name: itemName, match: valueMatch }), 'matches'), (items) =>
    items.map((item) => finish(item.name, item.match)),
  );
  const asObject = mapped(named(valueMatch, 'matches', itemName as v.GenericSchema<string, string>), (entries) =>
    Object.entries(entries).map(([name, match]) => finish(name, match)),
  );
  return v.lazy((input) => (isRecord(input) ? asObject : asList));
}

const headers: Schema<HeaderMatch[]> = matches(headerName, (name, match) => ({ name: name.toLowerCase(), match }));
const query: Schema<QueryMatch[]> = matches(name, (name, match) => ({ name, match }));

const redirect: Schema<Redirect> = mapped(
  object({
    status: optional(oneOf(301, 302, 303, 307, 308)),
    scheme: optional(oneOf('http', 'https')),
    hostname: optional(hostPattern),
    port: optional(endpointPort),
    path: optional(pathRewrite),
    dropQuery: optional(flag),
  } satisfies EveryField<Redirect>),
  ({ status = 302, ...rest }) => ({ status, ...rest }),
);

const action: Schema<RouteAction> = short<RouteAction>(
  mapped(name, (cluster) => ({ type: 'forward', clusters: [{ cluster, weight: 1 }] })),
  byType<RouteAction>({
    forward: object({ type: oneOf('forward'), clusters: list(weightedCluster, 'clusters', { min: 1 }) }),
    respond: mapped(
      object({
        type: oneOf('respond'),
        status: integer(200, 599),
        reason: optional(text),
        body: optional(text),
        headers: optional(list(object({ name: headerName, value: headerValue }), 'headers')),
      }),
      ({ reason = '', ...rest }) => ({ ...rest, reason }),
    ),
    redirect: object({ type: oneOf('redirect'), redirect }),
  }),
);

const EVERY_PATH: PathMatch = { type: 'prefix', value: '/' };

type Unnamed = Omit<Route, 'name' | 'metricName'> & Partial<Pick<Route, 'name' | 'metricName'>>;

const route: Schema<Unnamed> = mapped(
  object({
    name: optional(name),
    metricName: optional(name),
    path: optional(path),
    method: optional(method),
    headers: optional(headers),
    query: optional(query),
    filters: optional(list(filter, 'filters')),
    action,
    timeouts: optional(
      object({ request: optional(duration), perTry: optional(duration) } satisfies EveryField<RouteTimeouts>),
    ),
    retry: optional(retry),
  } satisfies EveryField<Route>),
  ({ path: match = EVERY_PATH, ...rest }): Unnamed => ({ path: match, ...rest }),
);

/** Routes without a name are called after the virtual host and their place in it. */
export function virtualHost(hostName: string): Schema<VirtualHost> {
  return mapped(
    object({
      hostname: hostPattern,
      wildcard: optional(oneOf('one-label', 'any-labels')),
      listeners: optional(list(name, 'listeners', { min: 1 })),
      routes: list(route, 'routes', { min: 1 }),
    } satisfies EveryField<VirtualHost>),
    ({ wildcard = 'any-labels', routes, ...rest }) => ({
      wildcard,
      ...rest,
      routes: routes.map((one, place) => {
        const own = one.name ?? `${hostName}/${place}`;
        return { ...one, name: own, metricName: one.metricName ?? own };
      }),
    }),
  );
}
