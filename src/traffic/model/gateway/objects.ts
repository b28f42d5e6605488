// What the translation of Gateways reads, and how it looks things up.
// Types only; whoever calls it has informers, files or a test's objects behind it.
import type { ConfigMap, Secret, Service } from 'kubernetes-types/core/v1.js';
import type {
  BackendTlsPolicy,
  Gateway,
  GatewayClass,
  GrpcRoute,
  HttpRoute,
  Layer4RouteObject,
  ListenerSet,
  ReferenceGrant,
} from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import type { BackendPolicies } from '../policy/backend-policies.ts';
import type { ReadCertificate } from '../secret.ts';
import type { Fault } from './conditions.ts';

export interface GatewayObjects {
  readonly classes: readonly GatewayClass[];
  readonly gateways: readonly Gateway[];
  readonly listenerSets: readonly ListenerSet[];
  readonly httpRoutes: readonly HttpRoute[];
  readonly grpcRoutes: readonly GrpcRoute[];
  readonly tlsRoutes: readonly Layer4RouteObject[];
  readonly tcpRoutes: readonly Layer4RouteObject[];
  readonly udpRoutes: readonly Layer4RouteObject[];
  readonly grants: readonly ReferenceGrant[];
  readonly tlsPolicies: readonly BackendTlsPolicy[];
  /** Left out where there are none. */
  readonly policies?: BackendPolicies;
  /** One of the lists above, by its kind and key. */
  find(kind: string, key: string): KubeObject | undefined;
  service(key: string): Service | undefined;
  secret(key: string): Secret | undefined;
  configMap(key: string): ConfigMap | undefined;
  /** Labels of a namespace; undefined when it does not exist. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  /** Where a Gateway is served, or why it is nowhere. */
  addresses(gateway: string): GatewayAddresses;
}

export interface GatewayAddresses {
  readonly addresses: readonly string[];
  /** Further addresses to listen at, which are nobody's to know: clients in the cluster come by them. */
  readonly inside?: readonly string[];
  readonly fault?: Fault;
}

export interface GatewayOptions {
  readonly readCertificate: ReadCertificate;
  /** PEM certificates in a text: the text itself, or what is wrong with it. */
  readonly readAuthorities: (pem: string) => { readonly error: string } | { readonly fingerprint: string };
}

export type RouteKindName = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute';
