// The behaviours that the mesh profiles of the Gateway API's conformance suite check, one row each: route, request, answer.
// Data; every behaviour has a Service of its own, so that all routes can be there at once.
import { CONSUMER, HOME, mark, type Question, type RouteSpec } from './kit.ts';

export interface Expected {
  readonly status?: number;
  /** Of the pod that answered. */
  readonly version?: string;
  /** `x-route` of the answer; null where no route may have been met. */
  readonly mark?: string | null;
  readonly location?: string;
  /** Path that the pod was asked for. */
  readonly path?: string;
  /** Headers that the pod was sent; null for one that it was not. */
  readonly sent?: Readonly<Record<string, string | null>>;
}

export interface Row {
  readonly behaviour: string;
  readonly from: string;
  readonly question: Question;
  readonly expected: Expected;
}

const v1 = (more: object = {}) => ({ name: 'echo-v1', port: 8080, ...more });
const v2 = (more: object = {}) => ({ name: 'echo-v2', port: 8080, ...more });
const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } });
const redirect = (requestRedirect: object) => [{ type: 'RequestRedirect', requestRedirect }];
const headers = (requestHeaderModifier: object) => [{ type: 'RequestHeaderModifier', requestHeaderModifier }];

export const routes: readonly RouteSpec[] = [
  {
    name: 'ports-one',
    parent: { name: 'ports-one', port: 8080 },
    rules: [{ filters: [mark('one')], backendRefs: [v1()] }],
  },
  { name: 'ports-all', parent: { name: 'ports-all' }, rules: [{ filters: [mark('all')], backendRefs: [v2()] }] },
  {
    name: 'named-port',
    parent: { name: 'named-port', sectionName: 'http-alt' },
    rules: [{ filters: [mark('alt')], backendRefs: [v1()] }],
  },
  {
    name: 'mine',
    namespace: CONSUMER,
    parent: { name: 'consumed', namespace: HOME },
    rules: [{ filters: [mark('consumer')], backendRefs: [v1({ namespace: HOME })] }],
  },
  { name: 'theirs', parent: { name: 'both' }, rules: [{ filters: [mark('producer')], backendRefs: [v1()] }] },
  {
    name: 'ours',
    namespace: CONSUMER,
    parent: { name: 'both', namespace: HOME },
    rules: [{ matches: [prefix('/only')], filters: [mark('consumer')], backendRefs: [v2({ namespace: HOME })] }],
  },
  {
    name: 'frontend',
    parent: { name: 'frontend' },
    rules: [{ filters: [mark('frontend')], backendRefs: [{ name: 'frontend', port: 8080 }] }],
  },
  // It leads to a Service with a route of its own, which is not asked.
  { name: 'chained', parent: { name: 'chained' }, rules: [{ backendRefs: [{ name: 'ports-all', port: 8080 }] }] },
  { name: 'split', parent: { name: 'split' }, rules: [{ backendRefs: [v1({ weight: 70 }), v2({ weight: 30 })] }] },
  {
    name: 'matching',
    parent: { name: 'matching' },
    rules: [
      { matches: [prefix('/'), { headers: [{ name: 'version', value: 'one' }] }], backendRefs: [v1()] },
      { matches: [prefix('/v2'), { headers: [{ name: 'version', value: 'two' }] }], backendRefs: [v2()] },
    ],
  },
  {
    name: 'queries',
    parent: { name: 'queries' },
    rules: [
      { matches: [{ queryParams: [{ name: 'animal', value: 'whale' }] }], backendRefs: [v1()] },
      {
        matches: [
          {
            queryParams: [
              { name: 'animal', value: 'dolphin' },
              { name: 'color', value: 'blue' },
            ],
          },
        ],
        backendRefs: [v2()],
      },
    ],
  },
  {
    name: 'edits',
    parent: { name: 'edits' },
    rules: [
      {
        matches: [prefix('/set')],
        filters: headers({
          set: [{ name: 'x-set', value: 'new' }],
          add: [{ name: 'x-add', value: 'more' }],
          remove: ['x-gone'],
        }),
        backendRefs: [v1()],
      },
      {
        matches: [prefix('/backend')],
        backendRefs: [v1({ filters: headers({ set: [{ name: 'x-backend', value: 'v1' }] }) })],
      },
    ],
  },
  {
    name: 'redirects',
    parent: { name: 'redirects', port: 8080 },
    rules: [
      { matches: [prefix('/host')], filters: redirect({ hostname: 'example.org' }) },
      { matches: [prefix('/status')], filters: redirect({ hostname: 'example.org', statusCode: 301 }) },
      ...[303, 307, 308].map((statusCode) => ({
        matches: [prefix(`/${statusCode}`)],
        filters: redirect({ statusCode, hostname: 'example.org' }),
      })),
      { matches: [prefix('/port')], filters: redirect({ port: 8083 }) },
      { matches: [prefix('/scheme')], filters: redirect({ scheme: 'https', hostname: 'example.org' }) },
      {
        matches: [prefix('/old')],
        filters: redirect({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } }),
      },
      {
        matches: [prefix('/full')],
        filters: redirect({ path: { type: 'ReplaceFullPath', replaceFullPath: '/whole' } }),
      },
    ],
  },
  {
    name: 'rewrites',
    parent: { name: 'rewrites' },
    rules: [
      {
        matches: [prefix('/prefix/one')],
        filters: [
          { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/one' } } },
        ],
        backendRefs: [v1()],
      },
      {
        matches: [prefix('/full/one')],
        filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } } }],
        backendRefs: [v1()],
      },
    ],
  },
  {
    name: 'named-rule',
    parent: { name: 'named-rule' },
    rules: [
      { name: 'one', matches: [prefix('/one')], backendRefs: [v1()] },
      { name: 'two', matches: [prefix('/two')], backendRefs: [v2()] },
    ],
  },
  {
    name: 'failures',
    parent: { name: 'failures' },
    rules: [
      { matches: [prefix('/gone')], backendRefs: [{ name: 'nobody', port: 8080 }] },
      { matches: [prefix('/idle')], backendRefs: [{ name: 'idle', port: 8080 }] },
    ],
  },
  {
    kind: 'GRPCRoute',
    name: 'calls',
    parent: { name: 'calls', port: 7070 },
    rules: [
      {
        backendRefs: [
          { name: 'echo-v1', port: 7070, weight: 70 },
          { name: 'echo-v2', port: 7070, weight: 30 },
        ],
      },
    ],
  },
  {
    kind: 'GRPCRoute',
    name: 'methods',
    parent: { name: 'methods', port: 7070 },
    rules: [
      {
        matches: [{ method: { service: 'pets.Pets', method: 'List' } }],
        filters: [mark('listed')],
        backendRefs: [{ name: 'echo-v2', port: 7070 }],
      },
    ],
  },
];

const row = (behaviour: string, to: string, path: string, expected: Expected, more: Partial<Question> = {}): Row => ({
  behaviour,
  from: HOME,
  question: { to, path, ...more },
  expected,
});
const consumer = (one: Row): Row => ({
  ...one,
  from: CONSUMER,
  question: { ...one.question, to: one.question.to.replace(':', `.${HOME}:`) },
});
const moved = (location: string, status = 302): Expected => ({ status, location });

export const rows: readonly Row[] = [
  row('MeshBasic', 'plain:8080', '/', { mark: null }),
  row('MeshPorts', 'ports-one:8080', '/', { mark: 'one', version: 'v1' }),
  row('MeshPorts', 'ports-one:8081', '/', { mark: null }),
  row('MeshPorts', 'ports-all:8080', '/', { mark: 'all', version: 'v2' }),
  row('MeshPorts', 'ports-all:8081', '/', { mark: 'all', version: 'v2' }),
  row('a port that is no HTTP', 'ports-all:9090', '/', { mark: null }),
  row('a port by its name', 'named-port:8081', '/', { mark: 'alt' }),
  row('a port by its name', 'named-port:8080', '/', { mark: null }),
  consumer(row('MeshConsumerRoute', 'consumed:8080', '/', { mark: 'consumer', version: 'v1' })),
  row('MeshConsumerRoute', 'consumed:8080', '/', { mark: null }),
  row('routes of producers', 'both:8080', '/only', { mark: 'producer', version: 'v1' }),
  consumer(row('routes of consumers replace them', 'both:8080', '/only', { mark: 'consumer', version: 'v2' })),
  consumer(row('routes of consumers replace them', 'both:8080', '/', { status: 404 })),
  row('MeshFrontend', 'frontend:8080', '/', { mark: 'frontend' }),
  row('only the first front is met', 'chained:8080', '/', { mark: null }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/', { version: 'v1' }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/example', { version: 'v1' }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/', { version: 'v1' }, { headers: { Version: 'one' } }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/v2', { version: 'v2' }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/v2/example', { version: 'v2' }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/', { version: 'v2' }, { headers: { Version: 'two' } }),
  row('MeshHTTPRouteMatching', 'matching:8080', '/v2example', { version: 'v1' }),
  row('MeshHTTPRouteQueryParamMatching', 'queries:8080', '/?animal=whale', { version: 'v1' }),
  row('MeshHTTPRouteQueryParamMatching', 'queries:8080', '/?animal=dolphin&color=blue', { version: 'v2' }),
  row('MeshHTTPRouteQueryParamMatching', 'queries:8080', '/?animal=dolphin', { status: 404 }),
  row(
    'MeshHTTPRouteRequestHeaderModifier',
    'edits:8080',
    '/set',
    { sent: { 'x-set': 'new', 'x-add': 'some, more', 'x-gone': null } },
    { headers: { 'X-Set': 'old', 'X-Add': 'some', 'X-Gone': 'here' } },
  ),
  row('MeshHTTPRouteBackendRequestHeaderModification', 'edits:8080', '/backend', { sent: { 'x-backend': 'v1' } }),
  row('MeshHTTPRouteRedirectHostAndStatus', 'redirects:8080', '/host', moved('http://example.org:8080/host')),
  row('MeshHTTPRouteRedirectHostAndStatus', 'redirects:8080', '/status', moved('http://example.org:8080/status', 301)),
  ...[303, 307, 308].map((status) =>
    row(
      `MeshHTTPRoute${status}Redirect`,
      'redirects:8080',
      `/${status}`,
      moved(`http://example.org:8080/${status}`, status),
    ),
  ),
  row('MeshHTTPRouteRedirectPort', 'redirects:8080', '/port', moved('http://redirects:8083/port')),
  row('MeshHTTPRouteSchemeRedirect', 'redirects:8080', '/scheme', moved('https://example.org/scheme')),
  row('MeshHTTPRouteRedirectPath', 'redirects:8080', '/old/leaf', moved('http://redirects:8080/new/leaf')),
  row('MeshHTTPRouteRedirectPath', 'redirects:8080', '/full/leaf', moved('http://redirects:8080/whole')),
  row('MeshHTTPRouteRewritePath', 'rewrites:8080', '/prefix/one/two', { path: '/one/two' }),
  row('MeshHTTPRouteRewritePath', 'rewrites:8080', '/full/one/two', { path: '/one' }),
  row('MeshHTTPRouteNamedRule', 'named-rule:8080', '/one', { version: 'v1' }),
  row('MeshHTTPRouteNamedRule', 'named-rule:8080', '/two', { version: 'v2' }),
  row('a request that no rule is for', 'named-rule:8080', '/three', { status: 404 }),
  row('a backend that does not exist', 'failures:8080', '/gone', { status: 500 }),
  row('a backend without endpoints', 'failures:8080', '/idle', { status: 503 }),
  row('GRPCRoute by method', 'methods:7070', '/pets.Pets/List', { mark: 'listed' }, { grpc: true }),
];

/** Services that the rows ask and that routes are attached to. */
export const services: readonly string[] = [
  ...new Set(rows.map(({ question }) => /^[^.:]+/.exec(question.to)?.[0] ?? '')),
].concat('split', 'calls', 'live');
