// What a backendRef means: the cluster behind it, or what is wrong with it.
// Knows nothing of rules; how a cluster is spoken to (TLS, HTTP/2, affinity) becomes a variant of it.
import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { BackendRef } from '#kube/api/gateway/types.ts';
import { appProtocolOf } from '../app-protocol.ts';
import type { AffinityPolicy, Cluster } from '../ir.ts';
import { clusterName } from '../names.ts';
import type { BackendPolicies } from '../policy/backend-policies.ts';
import { type ClusterChanges, overlayAll, withoutOrigins } from '../policy/changes.ts';
import { servicePolicy } from '../policy/service-policy.ts';
import type { Fault } from './conditions.ts';
import type { Permits } from './grants.ts';
import type { RouteKindName } from './objects.ts';

/** A cluster like another one, with the same endpoints, that is spoken to differently. */
export interface ClusterVariant {
  readonly base: string;
  readonly serviceKey: string;
  readonly changes: ClusterChanges;
}

export interface BackendLookups {
  readonly grants: Permits;
  readonly policies: BackendPolicies | undefined;
  service(key: string): Service | undefined;
  /** Name of the variant; the cluster's own where nothing changes. */
  variant(variant: ClusterVariant): string;
  /** What a BackendTLSPolicy says of this port, if one speaks of it. */
  tlsOf(serviceKey: string, port: ServicePort): NonNullable<Cluster['tls']> | { readonly fault: Fault } | undefined;
}

export interface BackendUse {
  readonly kind: RouteKindName;
  readonly namespace: string;
  /** What policies say of the route or rule. */
  readonly changes?: ClusterChanges | undefined;
  /** What the rule itself says, which has its way. */
  readonly affinity?: AffinityPolicy;
  /** Whatever the Service says of its port. */
  readonly speaks?: 'http2';
}

const HTTP2 = ['kubernetes.io/h2c', 'grpc', 'http2', 'h2c'];
const HTTP1 = ['http', 'kubernetes.io/ws', ''];
const TLS = ['https', 'kubernetes.io/wss'];

export type ResolvedBackend = { readonly cluster: string; readonly service: string } | { readonly fault: Fault };

export function resolveBackendRef(ref: BackendRef, use: BackendUse, lookups: BackendLookups): ResolvedBackend {
  const { group = '', kind = 'Service', name, namespace = use.namespace, port: wanted } = ref;
  const fault = (reason: string, message: string): ResolvedBackend => ({ fault: { reason, message } });
  if (group !== '' || kind !== 'Service') {
    return fault(
      'InvalidKind',
      `Backend ${group === '' ? '' : `${group}/`}${kind} "${name}" is no Service: point it to a Service`,
    );
  }
  const key = `${namespace}/${name}`;
  if (!lookups.grants.permit(use, { group, kind, namespace, name })) {
    return fault(
      'RefNotPermitted',
      `Service "${key}" is in another namespace and no ReferenceGrant there lets a ${use.kind} of namespace "${use.namespace}" refer to it: create one in "${namespace}"`,
    );
  }
  const service = lookups.service(key);
  if (service === undefined)
    return fault('BackendNotFound', `Service "${key}" does not exist: create it or correct the name`);
  if (service.spec?.type === 'ExternalName') {
    return fault(
      'BackendNotFound',
      `Service "${key}" is of type ExternalName, which routes do not follow (CVE-2021-25740: it may name anything that the gateway reaches): use one with a selector or with EndpointSlices`,
    );
  }
  const protocol = use.kind === 'UDPRoute' ? 'UDP' : 'TCP';
  const ports = service.spec?.ports ?? [];
  const port = ports.find((one) => one.port === wanted && (one.protocol ?? 'TCP') === protocol);
  if (port === undefined) {
    const known = ports.map((one) => `${one.port}/${one.protocol ?? 'TCP'}`).join(', ');
    return fault(
      'BackendNotFound',
      `Service "${key}" has no port ${wanted ?? 'none'}/${protocol}: use one of ${known || 'its spec.ports, of which there is none'}`,
    );
  }
  const changes = changesFor(key, service, port, use, lookups);
  if ('fault' in changes) return changes;
  return { cluster: lookups.variant({ base: clusterName(key, port), serviceKey: key, changes }), service: key };
}

function changesFor(
  key: string,
  service: Service,
  port: ServicePort,
  { kind, affinity, changes = {}, speaks }: BackendUse,
  lookups: BackendLookups,
): ClusterVariant['changes'] | { readonly fault: Fault } {
  if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') return {};
  const tls = lookups.tlsOf(key, port);
  if (tls !== undefined && 'fault' in tls) return tls;
  const app = appProtocolOf(port);
  const usual = servicePolicy(service, lookups.policies).of(port)?.upstreamProtocol;
  const told = changes.upstreamProtocol ?? usual;
  const asked =
    told !== undefined
      ? told
      : HTTP2.includes(app)
        ? 'http2'
        : HTTP1.includes(app) || (tls !== undefined && TLS.includes(app))
          ? 'http1'
          : undefined;
  if (asked === undefined) {
    const help = TLS.includes(app)
      ? 'a BackendTLSPolicy for it says how TLS is spoken'
      : `use one of ${[...HTTP1, ...HTTP2].filter((one) => one !== '').join(', ')}`;
    const message = `Port ${port.port} of Service "${key}" has appProtocol "${port.appProtocol}", which a ${kind} cannot speak: ${help}`;
    return { fault: { reason: 'UnsupportedProtocol', message } };
  }
  const protocol = kind === 'GRPCRoute' ? 'http2' : (speaks ?? asked);
  const { upstreamProtocol: _told, ...rest } = changes;
  const silenced = [
    ...(affinity === undefined ? [] : ['sessionAffinity']),
    ...(told !== undefined && protocol !== told ? ['upstreamProtocol'] : []),
  ];
  return {
    ...withoutOrigins(rest, silenced),
    // What the cluster itself would speak is no change.
    ...(protocol === (usual ?? spokenBy(app)) ? {} : { upstreamProtocol: protocol }),
    ...(tls === undefined ? {} : { tls }),
    ...(affinity === undefined ? {} : { affinity }),
  };
}

/** What policies say of a rule: those for it, and before them those for its route. */
export function routeChanges(
  kind: 'HTTPRoute' | 'GRPCRoute',
  key: string,
  rule: string | undefined,
  { policies }: BackendLookups,
): ClusterChanges | undefined {
  if (policies === undefined) return undefined;
  return overlayAll([policies.ofRoute(kind, key), rule === undefined ? undefined : policies.ofRoute(kind, key, rule)]);
}

/** As the translation of Services reads it. */
function spokenBy(app: string): Cluster['upstreamProtocol'] {
  if (app === 'kubernetes.io/h2c' || app === 'grpc') return 'http2';
  return HTTP1.includes(app) ? 'http1' : 'tcp';
}
