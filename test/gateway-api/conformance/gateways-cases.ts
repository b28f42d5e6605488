// What Gateways, ListenerSets and their listeners have to say, in the cases of the conformance suite.
// Data and the manifests in short; every title begins with the name of the suite's test.

export const namespaced = (manifest: string, namespace: string): string =>
  manifest.replace('metadata: { name', `metadata: { namespace: ${namespace}, name`);
export const http = (name: string, host: string, more = ''): string =>
  `{ name: ${name}, protocol: HTTP, port: 8080, hostname: ${host}${more} }`;
export const https = (name: string, port: number, ref: string, more = ''): string =>
  `{ name: ${name}, protocol: HTTPS, port: ${port}, tls: { certificateRefs: [{ ${ref} }] }${more} }`;
export const listenerSet = (name: string, parent: string, listeners: string, namespace = 'default'): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: ${name}, namespace: ${namespace} }
spec: { parentRef: { name: ${parent}, namespace: default }, listeners: [${listeners}] }
`;
export const grant = (name: string, from: string, to: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: ${name}, namespace: certs }
spec: { from: [${from}], to: [${to}] }
`;
export const gatewaysOf = (namespace: string): string =>
  `{ group: gateway.networking.k8s.io, kind: Gateway, namespace: ${namespace} }`;
export const to = (name: string): string => `[{ backendRefs: [{ name: ${name}, port: 80 }] }]`;
export const far = (name: string): string => `name: ${name}, namespace: certs`;
export const from = (namespaces: string): string => `, allowedRoutes: { namespaces: ${namespaces} }`;
export const lets = (namespaces: string): string => `, allowedListeners: { namespaces: ${namespaces} }`;

/** Condition by condition of a listener: `Type=True/Reason`, and how many routes it has. */
export type Words = Readonly<Record<string, string>>;
const GOOD: Words = { Accepted: 'True', Programmed: 'True', ResolvedRefs: 'True', Conflicted: 'False/NoConflicts' };
const conflict = (reason: string): Words => ({
  Accepted: `False/${reason}`,
  Programmed: `False/${reason}`,
  Conflicted: `True/${reason}`,
});
export const backendCertificate = (ref: string): string => `, tls: { backend: { clientCertificateRef: { ${ref} } } }`;
export const clientAuthorities = (ref: string): string => `{ validation: { caCertificateRefs: [${ref}] } }`;
export const ca = (name: string, more = ''): string => `{ group: "", kind: ConfigMap, name: ${name}${more} }`;

/** Listeners by `GATEWAY/LISTENER`, or `GATEWAY` alone for what is said of all of it. */
export const tellings: readonly (readonly [test: string, listener: string, words: Words])[] = [
  ['GatewayInvalidRouteKind', 'strange-kind/http', { ResolvedRefs: 'False/InvalidRouteKinds', kinds: '' }],
  [
    'GatewayInvalidRouteKind',
    'half-strange-kind/http',
    { ResolvedRefs: 'False/InvalidRouteKinds', kinds: 'HTTPRoute' },
  ],
  ...['gone', 'group', 'kind', 'malformed'].map(
    (name) =>
      ['GatewayInvalidTLSConfiguration', `bad/${name}`, { ResolvedRefs: 'False/InvalidCertificateRef' }] as const,
  ),
  ['GatewaySecretMissingReferencedSecret', 'bad/gone', { ResolvedRefs: 'False/InvalidCertificateRef' }],
  ['GatewaySecretInvalidReferenceGrant', 'bad/not-granted', { ResolvedRefs: 'False/RefNotPermitted' }],
  ['GatewaySecretMissingReferenceGrant', 'bad/never-granted', { ResolvedRefs: 'False/RefNotPermitted' }],
  ['GatewaySecretReferenceGrantAllInNamespace', 'good/all', GOOD],
  ['GatewaySecretReferenceGrantSpecific', 'good/one', GOOD],
  ...['gone', 'group', 'kind', 'malformed'].map(
    (name) =>
      [
        'GatewayInvalidTLSBackendConfiguration',
        `client-${name}`,
        { ResolvedRefs: 'False/InvalidClientCertificateRef', Accepted: 'True/Accepted' },
      ] as const,
  ),
  [
    'GatewayInvalidTLSBackendConfiguration',
    'client-far',
    { ResolvedRefs: 'False/RefNotPermitted', Accepted: 'True/Accepted' },
  ],
  [
    'GatewayTLSBackendClientCertificate',
    'client-good',
    { ResolvedRefs: 'True/ResolvedRefs', Accepted: 'True/Accepted' },
  ],
  ['GatewayInvalidFrontendClientCertificateValidation', 'mutual/good', GOOD],
  ...(
    [
      ['gone', 'InvalidCACertificateRef'],
      ['kind', 'InvalidCACertificateKind'],
      ['far', 'RefNotPermitted'],
    ] as const
  ).map(
    ([name, reason]) =>
      [
        'GatewayInvalidFrontendClientCertificateValidation',
        `mutual/${name}`,
        { ResolvedRefs: `False/${reason}`, Accepted: 'False/NoValidCACertificate', Programmed: 'False' },
      ] as const,
  ),
  ['GatewayFrontendInvalidDefaultClientCertificateValidation', 'no-clients/http', GOOD],
  [
    'GatewayFrontendInvalidDefaultClientCertificateValidation',
    'no-clients/https',
    { ResolvedRefs: 'False/InvalidCACertificateRef', Accepted: 'False/NoValidCACertificate', Programmed: 'False' },
  ],
  ['GatewayWithAttachedRoutes', 'counted/http', { ...GOOD, routes: '2' }],
  ['GatewayWithAttachedRoutes', 'counted/unresolved', { ResolvedRefs: 'False/InvalidCertificateRef', routes: '1' }],
  ['GatewayWithAttachedRoutesWithPort8080', 'counted/unattached', { ...GOOD, routes: '0' }],
  ['GatewayListenerProtocolAndRouteKindConflicts', 'kinds/tls', { ...GOOD, routes: '0' }],
  ...['https', 'passed'].map(
    (name) =>
      [
        'GatewayListenerProtocolAndRouteKindConflicts',
        `kinds/${name}`,
        { Accepted: 'False', Programmed: 'False', Conflicted: 'True/ProtocolConflict', routes: '0' },
      ] as const,
  ),
  ['GatewayInvalidListenersUnsupportedProtocol', 'kinds/odd', { Accepted: 'False/UnsupportedProtocol' }],
  ['GatewayOptionalAddressValue', 'any-address', { Accepted: 'True', Programmed: 'True' }],
  ['GatewayInvalidParametersRef', 'parameters', { Accepted: 'False/InvalidParameters' }],
];

export const setTellings: readonly (readonly [test: string, listener: string, words: Words])[] = [
  [
    'ListenerSetDefaultNotAllowed',
    'default/uninvited',
    { Accepted: 'False/NotAllowed', Programmed: 'False/NotAllowed' },
  ],
  [
    'ListenerSetAllowedNamespaceNone',
    'default/of-none',
    { Accepted: 'False/NotAllowed', Programmed: 'False/NotAllowed' },
  ],
  ['ListenerSetAllowedNamespaceSame', 'default/first', { Accepted: 'True', Programmed: 'True/Programmed' }],
  [
    'ListenerSetAllowedNamespaceSame',
    'team/stranger',
    { Accepted: 'False/NotAllowed', Programmed: 'False/NotAllowed' },
  ],
  ['ListenerSetAllowedNamespaceAll', 'team/routed', { Accepted: 'True', Programmed: 'True/Programmed' }],
  ['ListenerSetAllowedNamespaceSelector', 'team/selected', { Accepted: 'True', Programmed: 'True/Programmed' }],
  [
    'ListenerSetAllowedNamespaceSelector',
    'certs/not-selected',
    { Accepted: 'False/NotAllowed', Programmed: 'False/NotAllowed' },
  ],
  ['ListenerSetHostnameConflict', 'default/first/own', GOOD],
  ['ListenerSetHostnameConflict', 'default/first/of-gateway', conflict('HostnameConflict')],
  ['ListenerSetHostnameConflict', 'default/first/shared', GOOD],
  [
    'ListenerSetHostnameConflict',
    'default/lost',
    { Accepted: 'False/ListenersNotValid', Programmed: 'False/ListenersNotValid' },
  ],
  ['ListenerSetHostnameConflict', 'default/lost/of-gateway', conflict('HostnameConflict')],
  ['ListenerSetHostnameConflict', 'default/second', { Accepted: 'True', Programmed: 'True/Programmed' }],
  ['ListenerSetHostnameConflict', 'default/second/own', GOOD],
  ['ListenerSetHostnameConflict', 'default/second/shared', conflict('HostnameConflict')],
  [
    'ListenerSetHostnameConflict',
    'default/wild',
    { Accepted: 'False/ListenersNotValid', Programmed: 'False/ListenersNotValid' },
  ],
  [
    'ListenerSetProtocolConflict',
    'default/protocol',
    { Accepted: 'False/ListenersNotValid', Programmed: 'False/ListenersNotValid' },
  ],
  ['ListenerSetProtocolConflict', 'default/protocol/tcp', conflict('ProtocolConflict')],
  ['ListenerSetParentNotAccepted', 'default/of-nobody', { Accepted: 'False/ParentNotAccepted', Programmed: 'False' }],
  ['ListenerSetReferenceGrant', 'default/granted/https', { ResolvedRefs: 'True' }],
  ['ListenerSetReferenceGrant', 'team/not-granted/https', { ResolvedRefs: 'False/RefNotPermitted' }],
  [
    'ListenerSetReferenceGrant',
    'team/not-granted',
    { Accepted: 'False/ListenersNotValid', Programmed: 'False/ListenersNotValid' },
  ],
  ['ListenerSetAllowedRoutesNamespaces', 'team/routed/all', { ...GOOD, routes: '2' }],
  ['ListenerSetAllowedRoutesNamespaces', 'team/routed/same', { ...GOOD, routes: '1' }],
  ['ListenerSetAllowedRoutesNamespaces', 'team/routed/selected', { ...GOOD, routes: '1' }],
  ['ListenerSetAllowedRoutesSupportedKinds', 'team/routed/http-only', { ...GOOD, kinds: 'HTTPRoute', routes: '1' }],
  ['ListenerSetProtocolAndRouteKindConflicts', 'team/routed/no-kind', { ResolvedRefs: 'False/InvalidRouteKinds' }],
];
