// HTTPRoutes of the conformance suite's kind, in our own words: the objects, and by whom each request is answered.
// Data; every title begins with the name of the suite's test.
import type { Question } from '../../support/http.ts';
import { httpRoute } from '../kit.ts';

const to = (name: string, weight?: number): string =>
  `{ name: ${name}, port: 80${weight === undefined ? '' : `, weight: ${weight}`} }`;
const at = (path: string, backend: string, more = ''): string =>
  `\n    - matches: [{ path: { value: ${path} } }]\n      backendRefs: [${backend}]${more === '' ? '' : `\n      ${more}`}`;
const main = '{ name: main, sectionName: plain }';
const hosts = (...names: string[]): string => `  hostnames: [${names.map((name) => `"${name}"`).join(', ')}]`;
const inTeam = (manifest: string): string => manifest.replace('metadata: { name', 'metadata: { namespace: team, name');

const retried = (codes: string, attempts: number): string => `retry: { attempts: ${attempts}, codes: [${codes}] }`;
const cors = (policy: string): string => `filters: [{ type: CORS, cors: { ${policy} } }]`;

export const objects = [
  // Hosts of listeners, and of routes.
  httpRoute('by-host-a', '{ name: hosts, sectionName: bar }', at('/', to('a'))),
  httpRoute('by-host-b', '{ name: hosts, sectionName: foo-bar }', at('/', to('b'))),
  httpRoute('by-host-c', '{ name: hosts, sectionName: wild }', at('/', to('c'))),
  httpRoute(
    'meets-exact',
    '{ name: meeting }',
    at('/s1', to('a')),
    hosts('non.matching.com', '*.nonmatchingwildcard.io', 'very.specific.com'),
  ),
  httpRoute(
    'meets-wild',
    '{ name: meeting }',
    at('/s2', to('b')),
    hosts('non.matching.com', 'wildcard.io', 'foo.wildcard.io', 'bar.wildcard.io', 'foo.bar.wildcard.io'),
  ),
  httpRoute('meets-by-wild', '{ name: meeting }', at('/s3', to('c')), hosts('*.specific.com')),
  httpRoute('meets-nobody', '{ name: meeting }', at('/s4', to('b')), hosts('specific.but.wrong.com', 'wildcard.io')),
  // The more specific host, and the older route, of several on one listener.
  httpRoute('older', main, at('/', to('a')), hosts('*.prefer.example')),
  httpRoute('newer', main, at('/', to('b')), hosts('one.prefer.example')),
  // Paths in order.
  httpRoute(
    'order',
    main,
    `
    - matches: [{ path: { type: Exact, value: /match/exact/one } }, { path: { value: /match/exact } }]
      backendRefs: [${to('c')}]
    - matches: [{ path: { type: PathPrefix, value: /match } }, { path: { type: PathPrefix, value: /match/prefix/one/any } }]
      backendRefs: [${to('b')}]
    - matches: [{ path: { type: PathPrefix, value: /match/prefix/one } }, { path: { type: Exact, value: /match/exact } }]
      backendRefs: [${to('a')}]`,
    hosts('order.example'),
  ),
  httpRoute(
    'across-one',
    main,
    `${at('/', to('a'))}
    - matches: [{ headers: [{ name: version, value: one }] }]
      backendRefs: [${to('a')}]`,
    hosts('across.example', 'across.test'),
  ),
  httpRoute(
    'across-two',
    main,
    `${at('/v2', to('b'))}
    - matches: [{ headers: [{ name: version, value: two }] }]
      backendRefs: [${to('b')}]`,
    hosts('across.example'),
  ),
  httpRoute(
    'by-header',
    main,
    `
    - matches: [{ headers: [{ name: version, value: one }] }, { headers: [{ name: color, value: red }] }]
      backendRefs: [${to('a')}]
    - matches: [{ headers: [{ name: version, value: two }] }, { headers: [{ name: color, value: blue }] }]
      backendRefs: [${to('b')}]
    - matches: [{ headers: [{ name: version, value: two }, { name: color, value: orange }] }]
      backendRefs: [${to('c')}]`,
    hosts('header.example'),
  ),
  httpRoute(
    'by-query',
    main,
    `
    - matches: [{ queryParams: [{ name: animal, value: whale }] }]
      backendRefs: [${to('a')}]
    - matches: [{ queryParams: [{ name: animal, value: dolphin }, { name: color, value: blue }] }, { path: { value: /p }, queryParams: [{ name: animal, value: shark }] }]
      backendRefs: [${to('b')}]`,
    hosts('query.example'),
  ),
  httpRoute(
    'by-method',
    main,
    `
    - matches: [{ method: POST }, { path: { value: /path }, method: PUT }]
      backendRefs: [${to('a')}]
    - matches: [{ method: GET }]
      backendRefs: [${to('b')}]`,
    hosts('method.example'),
  ),
  httpRoute(
    'backends',
    main,
    `${at('/weights', [to('a', 70), to('b', 30), to('c', 0)].join(', '))}
${at('/headless', to('headless'))}${at('/manual', to('a'))}
    - matches: [{ path: { value: /nothing } }]
    - matches: [{ path: { value: /empty } }]
      backendRefs: []
${at('/zero', [to('a', 0), to('b', 0)].join(', '))}${at('/h2c', to('h2c'))}`,
    hosts('backends.example'),
  ),
  httpRoute(
    'kind',
    main,
    at('/', '{ group: unknown.example, kind: Strange, name: a, port: 80 }'),
    hosts('kind.example'),
  ),
  httpRoute('nobody', main, at('/', to('nobody')), hosts('nobody.example')),
  httpRoute('far', main, at('/', '{ name: d, namespace: team, port: 80 }'), hosts('far.example')),
  httpRoute(
    'half-far',
    main,
    `${at('/granted', '{ name: granted, namespace: team, port: 80 }')}${at('/not', '{ name: d, namespace: team, port: 80 }')}`,
    hosts('half.example'),
  ),
  // Parents.
  httpRoute('no-port', '{ name: main, port: 81 }', at('/', to('a'))),
  httpRoute('no-section', '{ name: main, sectionName: nowhere }', at('/', to('a'))),
  httpRoute('section-of-another-port', '{ name: main, sectionName: plain, port: 8081 }', at('/', to('a'))),
  httpRoute('port', '{ name: main, port: 8082 }', at('/', to('c')), hosts('port.example')),
  httpRoute('grpc-only', '{ name: main, sectionName: calls }', at('/', to('a'))),
  httpRoute(
    'two-parents',
    '{ name: main, sectionName: plain }, { name: hosts, sectionName: bar }',
    at('/two', to('c')),
    hosts('bar.com'),
  ),
  inTeam(httpRoute('uninvited', '{ name: main, namespace: default, sectionName: plain }', at('/', to('d')))),
  inTeam(
    httpRoute(
      'invited',
      '{ name: main, namespace: default, sectionName: open }',
      at('/', to('d')),
      hosts('team.example'),
    ),
  ),
  // What is asked again, and what is waited for.
  httpRoute(
    'retries',
    main,
    `${at('/fail/1/500', to('a'), retried('500', 3))}${at('/fail', to('a'), retried('500', 3))}${at('/any', to('a'), retried('500, 502, 503, 504', 2))}
${at('/refused', to('refused'), 'retry: { attempts: 2 }')}
${at('/slow/400/tried', to('a'), 'timeouts: { backendRequest: 100ms }\n      retry: { attempts: 2, codes: [504] }')}
${at('/slow/600/whole', to('a'), 'timeouts: { request: 150ms }')}${at('/slow/5/never', to('a'), 'timeouts: { request: 0s }')}`,
    hosts('retry.example'),
  ),
  httpRoute(
    'cors',
    main,
    `${at('/cors/listed', to('a'), cors('allowOrigins: ["https://www.foo.com", "https://*.bar.com"], allowMethods: [GET, OPTIONS], allowHeaders: [x-one, x-two], exposeHeaders: [x-three, x-four], allowCredentials: true, maxAge: 3600'))}
${at('/cors/methods', to('a'), cors('allowOrigins: ["https://www.foo.com"], allowMethods: ["*"]'))}
${at('/cors/anybody', to('a'), cors('allowOrigins: ["*"], allowMethods: [PUT], allowCredentials: false'))}
${at('/cors/echo', to('a'), cors('allowOrigins: ["https://other.foo.com"], allowMethods: ["*"], allowHeaders: ["*"], allowCredentials: true'))}`,
    hosts('cors.example'),
  ),
  httpRoute(
    'redirects',
    main,
    `
    - matches: [{ path: { value: /redirect/host } }]
      filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org } }]
${[301, 302, 303, 307, 308]
  .map(
    (status) =>
      `    - matches: [{ path: { value: /redirect/${status} } }]\n      filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org, statusCode: ${status} } }]`,
  )
  .join('\n')}
    - matches: [{ path: { value: /redirect/port } }]
      filters: [{ type: RequestRedirect, requestRedirect: { port: 8083 } }]
    - matches: [{ path: { value: /redirect/scheme } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, hostname: example.org } }]
    - matches: [{ path: { value: /redirect/both } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, hostname: example.org, port: 8443 } }]
    - matches: [{ path: { value: /redirect/well-known } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: http, hostname: example.org, port: 80 } }]
    - matches: [{ path: { value: /original/prefix } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /replaced } } }]
    - matches: [{ path: { value: /full } }]
      filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org, path: { type: ReplaceFullPath, replaceFullPath: /whole } } }]`,
    hosts('edits.example'),
  ),
  httpRoute(
    'edits',
    main,
    `
    - matches: [{ path: { value: /strip } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }]
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /rewrite/both } }]
      filters:
        - { type: RequestHeaderModifier, requestHeaderModifier: { add: [{ name: x-add, value: more }], set: [{ name: x-set, value: new }], remove: [x-gone] } }
        - { type: URLRewrite, urlRewrite: { hostname: one.example.org, path: { type: ReplacePrefixMatch, replacePrefixMatch: /prefix } } }
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /shares } }]
      backendRefs:
        - { name: a, port: 80, weight: 1, filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-share, value: of-a }] } }] }
        - { name: b, port: 80, weight: 1, filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-share, value: of-b }] } }] }
    - matches: [{ path: { value: /inner } }]
      backendRefs:
        - { name: a, port: 80, filters: [{ type: URLRewrite, urlRewrite: { hostname: inner.example, path: { type: ReplacePrefixMatch, replacePrefixMatch: /own } } }] }
    - matches: [{ path: { value: /answered } }]
      filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-own, value: gateway }], add: [{ name: x-more, value: one }], remove: [content-type] } }]
      backendRefs: [${to('a')}]
    - name: mirrored
      matches: [{ path: { value: /copied } }]
      filters:
        - { type: RequestMirror, requestMirror: { backendRef: ${to('b')} } }
        - { type: RequestMirror, requestMirror: { backendRef: ${to('c')} } }
      backendRefs: [${to('a')}]
    - name: half-mirrored
      matches: [{ path: { value: /half-copied } }]
      filters: [{ type: RequestMirror, requestMirror: { backendRef: ${to('b')}, fraction: { numerator: 1, denominator: 2 } } }]
      backendRefs: [${to('a')}]`,
    hosts('edits.example'),
  ),
];

type Row = readonly [test: string, host: string, path: string, question: Question, app: string | number];

/** Who answers; a number is a status. */
export const rows: readonly Row[] = [
  ...(
    [
      ['bar.com', 'a'],
      ['foo.bar.com', 'b'],
      ['boo.bar.com', 'c'],
      ['multiple.prefixes.bar.com', 'c'],
      ['multiple.prefixes.foo.com', 404],
      ['foo.com', 404],
      ['no.matching.host', 404],
    ] as const
  ).map(([host, app]): Row => ['HTTPRouteListenerHostnameMatching', `hosts|${host}`, '/', {}, app]),
  ...(
    [
      ['very.specific.com', '/s1', 'a'],
      ['non.matching.com', '/s1', 404],
      ['foo.nonmatchingwildcard.io', '/s1', 404],
      ['foo.wildcard.io', '/s1', 404],
      ['very.specific.com', '/non-matching-prefix', 404],
      ['bar.wildcard.io', '/s2', 'b'],
      ['foo.wildcard.io', '/s2', 'b'],
      ['foo.bar.wildcard.io', '/s2', 'b'],
      ['wildcard.io', '/s2', 404],
      ['very.specific.com', '/s2', 404],
      ['very.specific.com', '/s3', 'c'],
      ['foo.specific.com', '/s3', 404],
      ['specific.but.wrong.com', '/s4', 404],
    ] as const
  ).map(([host, path, app]): Row => ['HTTPRouteHostnameIntersection', `meeting|${host}`, path, {}, app]),
  ['HTTPRouteMultipleRoutesAttachmentSameHostnameIntersection', 'one.prefer.example', '/', {}, 'b'],
  ['HTTPRouteMultipleRoutesAttachmentSameHostnameIntersection', 'two.prefer.example', '/', {}, 'a'],
  ...(
    [
      ['/match/exact/one', 'c'],
      ['/match/exact', 'a'],
      ['/match', 'b'],
      ['/match/prefix/one/any', 'b'],
      ['/match/prefix/one', 'a'],
      ['/match/any', 'b'],
    ] as const
  ).map(([path, app]): Row => ['HTTPRoutePathMatchOrder', 'order.example', path, {}, app]),
  ['HTTPRouteExactPathMatching', 'order.example', '/match/exact/', {}, 'c'],
  ['HTTPRouteExactPathMatching', 'order.example', '/Match/exact', {}, 404],
  ['HTTPRouteMatching', 'across.example', '/v2', {}, 'b'],
  ['HTTPRouteMatching', 'across.example', '/v2/example', {}, 'b'],
  ['HTTPRouteMatching', 'across.example', '/v2example', {}, 'a'],
  ['HTTPRouteMatching', 'across.example', '/foo/v2/example', {}, 'a'],
  ['HTTPRouteMatchingAcrossRoutes', 'across.example', '/', {}, 'a'],
  ['HTTPRouteMatchingAcrossRoutes', 'across.test', '/v2', {}, 'a'],
  ['HTTPRouteMatchingAcrossRoutes', 'across.example', '/', { headers: { Version: 'two' } }, 'b'],
  ['HTTPRouteMatchingAcrossRoutes', 'across.example', '/', { headers: { Version: 'one' } }, 'a'],
  ['HTTPRouteMatchingAcrossRoutes', 'across.test', '/', { headers: { Version: 'two' } }, 'a'],
  ['HTTPRouteHeaderMatching', 'header.example', '/', { headers: { Version: 'one' } }, 'a'],
  ['HTTPRouteHeaderMatching', 'header.example', '/', { headers: { Version: 'two' } }, 'b'],
  ['HTTPRouteHeaderMatching', 'header.example', '/', { headers: { Version: 'two', Color: 'orange' } }, 'c'],
  ['HTTPRouteHeaderMatching', 'header.example', '/', { headers: { Color: 'blue' } }, 'b'],
  ['HTTPRouteHeaderMatching', 'header.example', '/', { headers: { Color: 'Blue' } }, 404],
  ['HTTPRouteHeaderMatching', 'header.example', '/', { headers: { Color: 'orange' } }, 404],
  ['HTTPRouteHeaderMatching', 'header.example', '/', {}, 404],
  ['HTTPRouteQueryParamMatching', 'query.example', '/?animal=whale', {}, 'a'],
  ['HTTPRouteQueryParamMatching', 'query.example', '/?animal=whale&animal=cat', {}, 'a'],
  ['HTTPRouteQueryParamMatching', 'query.example', '/?color=blue&animal=dolphin', {}, 'b'],
  ['HTTPRouteQueryParamMatching', 'query.example', '/p/q?animal=shark', {}, 'b'],
  ['HTTPRouteQueryParamMatching', 'query.example', '/?animal=shark', {}, 404],
  ['HTTPRouteQueryParamMatching', 'query.example', '/?color=blue', {}, 404],
  ['HTTPRouteMethodMatching', 'method.example', '/', { method: 'POST' }, 'a'],
  ['HTTPRouteMethodMatching', 'method.example', '/', {}, 'b'],
  ['HTTPRouteMethodMatching', 'method.example', '/path', { method: 'PUT' }, 'a'],
  ['HTTPRouteMethodMatching', 'method.example', '/', { method: 'PUT' }, 404],
  ['HTTPRouteMethodMatching', 'method.example', '/', { method: 'HEAD' }, 404],
  ['HTTPRouteSimpleSameNamespace', 'backends.example', '/manual', {}, 'a'],
  ['HTTPRouteServiceTypes', 'backends.example', '/headless', {}, 'c'],
  ['HTTPRouteServiceTypes', 'backends.example', '/manual', {}, 'a'],
  ['HTTPRouteNoBackendRefs', 'backends.example', '/nothing', {}, 500],
  ['HTTPRouteNoBackendRefs', 'backends.example', '/empty', {}, 500],
  ['HTTPRouteAllBackendsWeightZero', 'backends.example', '/zero', {}, 500],
  ['HTTPRouteBackendProtocolH2C', 'backends.example', '/h2c', {}, 'h2c'],
  ['HTTPRouteInvalidBackendRefUnknownKind', 'kind.example', '/', {}, 500],
  ['HTTPRouteInvalidNonExistentBackendRef', 'nobody.example', '/', {}, 500],
  ['HTTPRouteInvalidCrossNamespaceBackendRef', 'far.example', '/', {}, 500],
  ['HTTPRoutePartiallyInvalidViaInvalidReferenceGrant', 'half.example', '/granted', {}, 'd'],
  ['HTTPRoutePartiallyInvalidViaInvalidReferenceGrant', 'half.example', '/not', {}, 500],
  ['HTTPRouteCrossNamespace', 'open|team.example', '/', {}, 'd'],
  ['HTTPRouteListenerPortMatching', 'ported|port.example', '/', {}, 'c'],
  ['HTTPRouteListenerPortMatching', 'port.example', '/', {}, 404],
  ['HTTPRouteMultipleGateways', 'hosts|bar.com', '/two', {}, 'c'],
  ['HTTPRouteMultipleGateways', 'bar.com', '/two', {}, 'c'],
  // `/fail/N/STATUS` fails so often before it is well; each path is counted for itself.
  ['HTTPRouteRetry', 'retry.example', '/fail/2/500/a', {}, 'a'],
  ['HTTPRouteRetry', 'retry.example', '/fail/4/500/b', {}, 500],
  ['HTTPRouteRetry', 'retry.example', '/fail/2/503/c', {}, 503],
  ...[500, 502, 503, 504].flatMap((status): Row[] => [
    ['HTTPRouteRetry', 'retry.example', `/any/fail/1/${status}/d`, {}, 'a'],
    ['HTTPRouteRetry', 'retry.example', `/any/fail/3/${status}/e`, {}, status],
  ]),
  ...Array.from(
    { length: 6 },
    (_, i): Row => ['HTTPRouteRetryConnectionError', 'retry.example', `/refused/${i}`, {}, 'a'],
  ),
  ['HTTPRouteRetryBackendTimeout', 'retry.example', '/slow/400/tried', {}, 504],
  ['HTTPRouteTimeoutBackendRequest', 'retry.example', '/slow/400/tried/too', {}, 504],
  ['HTTPRouteTimeoutRequest', 'retry.example', '/slow/600/whole', {}, 504],
  ['HTTPRouteTimeoutRequest', 'retry.example', '/slow/5/never', {}, 'a'],
];

const accepted = (name: string, type: string, reason: string): readonly [string, string, string] => [
  name,
  type,
  reason,
];
export const statuses: readonly (readonly [test: string, ...ReturnType<typeof accepted>])[] = [
  ['HTTPRouteInvalidBackendRefUnknownKind', 'kind', 'ResolvedRefs', 'InvalidKind'],
  ['HTTPRouteInvalidNonExistentBackendRef', 'nobody', 'ResolvedRefs', 'BackendNotFound'],
  ['HTTPRouteInvalidCrossNamespaceBackendRef', 'far', 'ResolvedRefs', 'RefNotPermitted'],
  ['HTTPRouteInvalidReferenceGrant', 'far', 'ResolvedRefs', 'RefNotPermitted'],
  ['HTTPRoutePartiallyInvalidViaInvalidReferenceGrant', 'half-far', 'ResolvedRefs', 'RefNotPermitted'],
  ['HTTPRoutePartiallyInvalidViaInvalidReferenceGrant', 'half-far', 'Accepted', 'Accepted'],
  ['HTTPRouteInvalidParentRefNotMatchingListenerPort', 'no-port', 'Accepted', 'NoMatchingParent'],
  ['HTTPRouteInvalidParentRefNotMatchingSectionName', 'no-section', 'Accepted', 'NoMatchingParent'],
  ['HTTPRouteInvalidParentRefSectionNameNotMatchingPort', 'section-of-another-port', 'Accepted', 'NoMatchingParent'],
  ['HTTPRouteInvalidCrossNamespaceParentRef', 'team/uninvited', 'Accepted', 'NotAllowedByListeners'],
  ['HTTPRouteDisallowedKind', 'grpc-only', 'Accepted', 'NotAllowedByListeners'],
  ['HTTPRouteHostnameIntersection', 'meets-nobody', 'Accepted', 'NoMatchingListenerHostname'],
  ['HTTPRouteNoBackendRefs', 'backends', 'ResolvedRefs', 'ResolvedRefs'],
  ['HTTPRouteCORS', 'cors', 'Accepted', 'Accepted'],
];
