// What layer 4 reads of Services and slices: a proxy keeps that, and not the three quarters of them that it never looks at.
// Knows which fields translate-l4.ts asks for; a test holds the two together.
import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { SERVICE_NAME_LABEL } from '../service-endpoints.ts';
import { HEADLESS_LABEL, PROXY_NAME_LABEL } from './translate-l4.ts';

/** When the endpoints of a slice changed, as its controller says: RFC 3339. */
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

const LABELS = [SERVICE_NAME_LABEL, PROXY_NAME_LABEL, HEADLESS_LABEL];
/** What Services and slices ask of us. */
const OUR_ANNOTATIONS = 'evenkeel.dev/';

/** Parts that are the same in many objects are one; a cluster has few of them, and whoever makes many gets none. */
const MOST_SHARED = 10_000;

class Shared {
  readonly #known = new Map<string, unknown>();

  one<T>(value: T): T {
    if (value === undefined) return value;
    const key = JSON.stringify(value);
    const had = this.#known.get(key);
    if (had !== undefined) return had as T;
    if (this.#known.size >= MOST_SHARED) this.#known.clear();
    this.#known.set(key, value);
    return value;
  }
}

const shared = new Shared();

export const trimService = orWhole((service: Service & KubeObject): Service & KubeObject => {
  const { spec = {}, status } = service;
  const ingress = status?.loadBalancer?.ingress;
  return {
    metadata: metadataOf(service),
    spec: { ...addressesOf(spec), ...shared.one(restOf(spec)) },
    ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress } } }),
  };
});

export const trimSlice = orWhole((slice: EndpointSlice & KubeObject): EndpointSlice & KubeObject => {
  const { addressType, ports } = slice;
  return {
    metadata: metadataOf(slice),
    addressType: shared.one(addressType),
    ...(ports === undefined
      ? {}
      : { ports: shared.one(ports.map(({ name, port, protocol }) => defined({ name, port, protocol }))) }),
    endpoints: (slice.endpoints ?? []).map(endpointOf),
  };
});

/** An object of unforeseen shape stays as it is: who translates it says what is wrong with it. */
function orWhole<T>(trim: (object: T) => T): (object: T) => T {
  return (object) => {
    try {
      return trim(object);
    } catch {
      return object;
    }
  };
}

/** Without the uid: what replaces an object of the same name is translated like a change of it. */
function metadataOf({ metadata = {} }: KubeObject): NonNullable<KubeObject['metadata']> {
  const { namespace, name, resourceVersion, labels, annotations } = metadata;
  return defined({
    namespace: shared.one(namespace),
    name,
    resourceVersion,
    labels: picked(labels, (label) => LABELS.includes(label)),
    annotations: picked(annotations, (name) => name === TRIGGER_TIME || name.startsWith(OUR_ANNOTATIONS)),
  });
}

function addressesOf({ clusterIP, clusterIPs, externalIPs }: ServiceSpec): ServiceSpec {
  const only = clusterIPs?.length === 1 && clusterIPs[0] === clusterIP;
  // Left out, the one address is all there are.
  return defined({ clusterIP, clusterIPs: only ? undefined : clusterIPs, externalIPs });
}

function restOf(spec: ServiceSpec): ServiceSpec {
  return defined({
    type: spec.type,
    ports: spec.ports?.map(({ name, port, protocol, nodePort }) => defined({ name, port, protocol, nodePort })),
    sessionAffinity: spec.sessionAffinity === 'None' ? undefined : spec.sessionAffinity,
    sessionAffinityConfig: spec.sessionAffinityConfig,
    internalTrafficPolicy: spec.internalTrafficPolicy,
    externalTrafficPolicy: spec.externalTrafficPolicy,
    healthCheckNodePort: spec.healthCheckNodePort,
    loadBalancerSourceRanges: spec.loadBalancerSourceRanges,
  });
}

function endpointOf({ addresses, conditions, nodeName, hints }: Endpoint): Endpoint {
  return defined({
    addresses: addresses.slice(0, 1),
    conditions: shared.one(conditions),
    nodeName: shared.one(nodeName),
    hints: shared.one(hints),
  });
}

function picked(
  from: Readonly<Record<string, string>> | undefined,
  isKept: (name: string) => boolean,
): Record<string, string> | undefined {
  const found = Object.entries(from ?? {}).filter(([name]) => isKept(name));
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Without members that are undefined: an object of three fields is smaller than one of eight. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
