// What layer 4 reads of Services: a proxy keeps that, and not the three quarters of them that it never looks at.
// Knows which fields translate-l4.ts asks for; a test holds the two together. Slices are packed (packed-slice.ts).
import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { shared } from './shared-parts.ts';
import { HEADLESS_LABEL, PROXY_NAME_LABEL } from './translate-l4.ts';

const LABELS = [PROXY_NAME_LABEL, HEADLESS_LABEL];
/** What Services and slices ask of us. */
const OUR_ANNOTATIONS = 'evenkeel.dev/';

export const trimService = orWhole((service: Service & KubeObject): Service & KubeObject => {
  const { spec = {}, status } = service;
  const ingress = status?.loadBalancer?.ingress;
  return {
    metadata: metadataOf(service),
    spec: { ...addressesOf(spec), ...shared.one(restOf(spec)) },
    ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress } } }),
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
    labels: trimLabels(labels),
    annotations: trimAnnotations(annotations),
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

type Texts = Readonly<Record<string, string>>;

/** Those by which an object is somebody else's. */
export function trimLabels(labels: Texts | undefined): Record<string, string> | undefined {
  return picked(labels, (name) => LABELS.includes(name));
}

export function trimAnnotations(annotations: Texts | undefined): Record<string, string> | undefined {
  return picked(annotations, (name) => name.startsWith(OUR_ANNOTATIONS));
}

function picked(from: Texts | undefined, isKept: (name: string) => boolean): Record<string, string> | undefined {
  let found: Record<string, string> | undefined;
  for (const [name, value] of Object.entries(from ?? {})) {
    if (!isKept(name)) continue;
    found ??= {};
    found[name] = value;
  }
  return found;
}

/** Without members that are undefined: an object of three fields is smaller than one of eight. */
export function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  const out: Partial<T> = {};
  for (const name in value) {
    const member = value[name];
    if (member !== undefined) out[name] = member;
  }
  return out as T;
}
