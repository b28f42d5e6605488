// The objects of the cases of TLS: listeners of every kind, what is asked of clients and backends, and routes by server name.
// Manifests, and which policy has its backend served; every case begins with the name of the suite's test.
import type { KeyPair } from '#traffic/identity/authority.ts';
import { authorities, gateway, httpRoute, secret, serviceOf } from '../kit.ts';

export const IDENTITY = 'spiffe://inner.example/one';

interface Parts {
  readonly web: readonly { readonly name: string; readonly port: number }[];
  /** Ports of backends. */
  readonly inner: number;
  readonly passed: number;
  readonly specific: number;
  readonly ended: number;
  readonly own: KeyPair;
  readonly mine: KeyPair;
  /** PEM of authorities. */
  readonly root: string;
  readonly first: string;
  readonly second: string;
}

const https = (name: string, port: number, host = ''): string =>
  `{ name: ${name}, protocol: HTTPS, port: ${port}${host === '' ? '' : `, hostname: "${host}"`}, tls: { certificateRefs: [{ name: own }] } }`;
const tls = (name: string, port: number, mode: string, host = '', more = ''): string =>
  `{ name: ${name}, protocol: TLS, port: ${port}${host === '' ? '' : `, hostname: "${host}"`}, tls: { mode: ${mode}${mode === 'Terminate' ? ', certificateRefs: [{ name: own }]' : ''} }${more} }`;
const tlsRoute = (name: string, parent: string, hosts: string, backend: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: ${name} }
spec: { parentRefs: [{ ${parent} }], hostnames: [${hosts}], rules: [{ backendRefs: [{ ${backend}, port: 80 }] }] }`;
const ca = (name: string): string => `{ group: "", kind: ConfigMap, name: ${name} }`;

/** What a policy asks of the certificate of its Service, and whether the backend has it. */
export const policies: readonly (readonly [
  test: string,
  name: string,
  served: boolean,
  more: string,
  refs?: string,
])[] = [
  ['BackendTLSPolicy', 'plain', true, ''],
  ['BackendTLSPolicy', 'other-name', false, 'hostname: other.example'],
  ['BackendTLSPolicySANValidation', 'dns', true, 'subjectAltNames: [{ type: Hostname, hostname: inner.example }]'],
  [
    'BackendTLSPolicySANValidation',
    'dns-other',
    false,
    'subjectAltNames: [{ type: Hostname, hostname: other.example }]',
  ],
  ['BackendTLSPolicySANValidation', 'uri', true, `subjectAltNames: [{ type: URI, uri: "${IDENTITY}" }]`],
  [
    'BackendTLSPolicySANValidation',
    'uri-other',
    false,
    'subjectAltNames: [{ type: URI, uri: "spiffe://other.example/one" }]',
  ],
  [
    'BackendTLSPolicySANValidation',
    'several',
    true,
    `subjectAltNames: [{ type: URI, uri: "spiffe://other.example/one" }, { type: Hostname, hostname: inner.example }]`,
  ],
  [
    'BackendTLSPolicySANValidation',
    'several-others',
    false,
    `subjectAltNames: [{ type: URI, uri: "spiffe://other.example/one" }, { type: Hostname, hostname: other.example }]`,
  ],
  ['BackendTLSPolicyInvalidCACertificateRef', 'gone-ca', false, '', ca('gone')],
  ['BackendTLSPolicyInvalidCACertificateRef', 'malformed-ca', false, '', ca('malformed')],
  ['BackendTLSPolicyInvalidKind', 'kind-of-ca', false, '', '{ group: "", kind: Service, name: plain }'],
];

function policy(name: string, more = '', refs = ca('root'), target = name, section = ''): string {
  const host = more.startsWith('hostname:') ? more : `hostname: inner.example${more === '' ? '' : `, ${more}`}`;
  return `
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name} }
spec:
  targetRefs: [{ group: "", kind: Service, name: ${target}${section} }]
  validation: { ${host}, caCertificateRefs: [${refs}] }`;
}

export function world(parts: Parts): string {
  // As published for tests of others: names of IANA have no case.
  const inners = (name: string): string => serviceOf(name, parts.inner, 'name: btls, appProtocol: HTTPS');
  return [
    'apiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n',
    ...parts.web.map(({ name, port }) => serviceOf(name, port)),
    ...policies.map(([, name]) => inners(name)),
    ...['contested', 'divided'].map(inners),
    serviceOf('passed', parts.passed),
    serviceOf('specific', parts.specific),
    serviceOf('ended', parts.ended),
    serviceOf('far', parts.passed, '', 'team'),
    secret('own', parts.own),
    secret('mine', parts.mine),
    authorities('root', parts.root),
    authorities('first', parts.first),
    authorities('second', parts.second),
    authorities('malformed', 'nothing'),
    gateway(
      'directed',
      [
        https('any', 8443),
        https('second', 8443, 'second-example.org'),
        https('wild', 8443, '*.wildcard.org'),
        https('fourth', 8443, 'fourth.wildcard.org'),
      ].join(', '),
    ),
    httpRoute(
      'directed-1',
      '{ name: directed }',
      '[{ backendRefs: [{ name: a, port: 80 }] }]',
      '  hostnames: [example.org]',
    ),
    httpRoute('directed-2', '{ name: directed, sectionName: second }', '[{ backendRefs: [{ name: b, port: 80 }] }]'),
    httpRoute(
      'directed-3',
      '{ name: directed, sectionName: wild }',
      '[{ backendRefs: [{ name: c, port: 80 }] }]',
      '  hostnames: [third.wildcard.org, fourth.wildcard.org]',
    ),
    httpRoute(
      'directed-4',
      '{ name: directed, sectionName: fourth }',
      '[{ backendRefs: [{ name: a, port: 80 }] }]',
      '  hostnames: [third.wildcard.org, fourth.wildcard.org]',
    ),
    gateway(
      'mutual',
      [https('default', 8443), https('ported', 8444), https('lenient', 8445)].join(', '),
      `, tls: { frontend: { default: { validation: { caCertificateRefs: [${ca('first')}] } }, perPort: [
              { port: 8444, tls: { validation: { caCertificateRefs: [${ca('second')}] } } },
              { port: 8445, tls: { validation: { mode: AllowInsecureFallback, caCertificateRefs: [${ca('first')}] } } }] } }`,
    ),
    httpRoute('mutual', '{ name: mutual }', '[{ backendRefs: [{ name: a, port: 80 }] }]'),
    gateway(
      'outward',
      '{ name: http, protocol: HTTP, port: 8080 }',
      ', tls: { backend: { clientCertificateRef: { name: mine } } }',
    ),
    httpRoute(
      'outward',
      '{ name: outward }',
      `[${[...policies.map(([, name]) => name), 'contested', 'divided'].map((name) => `{ matches: [{ path: { value: /${name} } }], backendRefs: [{ name: ${name}, port: 80 }] }`).join(', ')}]`,
    ),
    ...policies.map(([, name, , more, refs]) => policy(name, more, refs)),
    policy('contested', '', ca('root'), 'contested'),
    policy('contested-too', 'hostname: other.example', ca('root'), 'contested'),
    policy('divided', 'hostname: other.example', ca('root'), 'divided'),
    policy('divided-port', '', ca('root'), 'divided', ', sectionName: btls'),
    gateway(
      'streams',
      [
        tls('passed', 8443, 'Passthrough', '*.passed.example'),
        tls('ended', 8443, 'Terminate', 'ended.example'),
        https('web', 8443, 'web.example'),
        tls('mixed-passed', 8444, 'Passthrough', 'mixed.example'),
        https('mixed-web', 8444, '*.example'),
        '{ name: http, protocol: HTTP, port: 8080 }',
        tls('no-tls-routes', 8445, 'Passthrough', '', ', allowedRoutes: { kinds: [{ kind: HTTPRoute }] }'),
      ].join(', '),
    ),
    tlsRoute('passed', 'name: streams, sectionName: passed', '"*.passed.example"', 'name: passed'),
    tlsRoute('specific', 'name: streams, sectionName: passed', 'one.passed.example', 'name: specific'),
    tlsRoute('ended', 'name: streams, sectionName: ended', 'ended.example', 'name: ended'),
    tlsRoute('mixed', 'name: streams, sectionName: mixed-passed', 'mixed.example', 'name: passed'),
    tlsRoute('nobody', 'name: streams, sectionName: passed', 'nobody.passed.example', 'name: nobody'),
    tlsRoute('not-granted', 'name: streams, sectionName: passed', 'far.passed.example', 'name: far, namespace: team'),
    tlsRoute('no-host', 'name: streams, sectionName: passed', 'other.example', 'name: passed'),
    tlsRoute('on-http', 'name: streams, sectionName: http', 'a.passed.example', 'name: passed'),
    tlsRoute('on-https', 'name: streams, sectionName: web', 'web.example', 'name: passed'),
    tlsRoute('no-kind', 'name: streams, sectionName: no-tls-routes', 'a.passed.example', 'name: passed'),
    tlsRoute('no-section', 'name: streams, sectionName: nowhere', 'a.passed.example', 'name: passed'),
    httpRoute(
      'web',
      '{ name: streams }',
      '[{ backendRefs: [{ name: a, port: 80 }] }]',
      '  hostnames: [web.example, other.example]',
    ),
  ].join('');
}
