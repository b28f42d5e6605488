// From Kubernetes objects to the traffic model: a pure function, whole or part by part.
// Knows no API server; objects come in, the model and the problems of single objects go out.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { type FindSecret, type IngressTls, mergeCertificates, translateTls } from './certificates.ts';
import type { ClusterVariant } from './gateway/backends.ts';
import { VariantNotes, variantTables } from './gateway/variants.ts';
import { type IngressRoutes, translateIngress } from './ingress.ts';
import type { FindService } from './ingress-backend.ts';
import { classFault, ownedBy } from './ingress-class.ts';
import type { Certificate, Cluster, Endpoint, Listener, ServicePort, TrafficModel, VirtualHost } from './ir.ts';
import { BackendPolicies } from './policy/backend-policies.ts';
import { isolated, type Problem } from './problem.ts';
import type { ReadCertificate } from './secret.ts';
import { type ServicePart, translateService } from './service.ts';
import { SERVICE_NAME_LABEL } from './service-endpoints.ts';
import { mergeHosts } from './virtual-hosts.ts';

/** What the Ingresses depend on. EndpointSlices are not among it: no route changes when a pod comes or goes. */
export interface IngressObjects {
  readonly ingresses: readonly Ingress[];
  readonly ingressClasses: readonly IngressClass[];
  readonly service: FindService;
  readonly secret: FindSecret;
}

export interface TranslateOptions {
  /** Name of the IngressClass that is ours even before it exists. */
  readonly ingressClass: string;
  readonly readCertificate: ReadCertificate;
}

export interface IngressPart {
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  /** Clusters that annotations want spoken to differently. */
  readonly variants: ReadonlyMap<string, ClusterVariant>;
  /** Keys of the Ingresses that are ours. */
  readonly owned: readonly string[];
  /** Keys of the Secrets that they name, whether or not these exist. */
  readonly secrets: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** All Ingresses together, for they share hosts and certificates. */
export function translateIngresses(objects: IngressObjects, options: TranslateOptions): IngressPart {
  const isOurs = ownedBy(options.ingressClass, objects.ingressClasses);
  const ours = objects.ingresses.filter(isOurs).sort(byAge);
  const problems: Problem[] = [];
  for (const ingress of objects.ingresses) {
    const fault = isOurs(ingress) ? undefined : classFault(ingress, options.ingressClass, objects.ingressClasses);
    if (fault !== undefined) problems.push({ kind: 'Ingress', key: objectKey(ingress), ...fault });
  }
  const secrets = new Set<string>();
  const variants = new VariantNotes();
  const findSecret: FindSecret = (key) => {
    secrets.add(key);
    return objects.secret(key);
  };
  const routes: IngressRoutes[] = [];
  const tls: IngressTls[] = [];
  for (const ingress of ours) {
    const outcome = isolated('Ingress', ingress, () => ({
      routes: translateIngress(ingress, objects.service, variants.nameOf),
      tls: translateTls(ingress, findSecret, options.readCertificate),
    }));
    if ('problem' in outcome) {
      problems.push(outcome.problem);
      continue;
    }
    routes.push(outcome.result.routes);
    tls.push(outcome.result.tls);
    problems.push(...outcome.result.routes.problems, ...outcome.result.tls.problems);
  }
  const hosts = mergeHosts(routes);
  const certificates = mergeCertificates(tls);
  return {
    virtualHosts: hosts.virtualHosts,
    certificates: certificates.certificates,
    variants: variants.noted,
    owned: ours.map(objectKey),
    secrets,
    problems: [...problems, ...hosts.problems, ...certificates.problems],
  };
}

/** `translateService`, with a shape that nobody foresaw as a problem of this Service alone. */
export function translateServiceSafely(
  service: Service,
  slices: readonly EndpointSlice[],
  autoscalers: readonly HorizontalPodAutoscaler[] = [],
  policies?: BackendPolicies,
): ServicePart {
  const outcome = isolated('Service', service, () => translateService(service, slices, autoscalers, policies));
  if ('result' in outcome) return outcome.result;
  return { clusters: new Map(), endpoints: new Map(), services: new Map(), problems: [outcome.problem] };
}

export interface TrafficObjects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly ingresses: readonly Ingress[];
  readonly ingressClasses: readonly IngressClass[];
  readonly secrets: readonly Secret[];
  readonly backendPolicies?: readonly BackendPolicy[];
}

/** The whole model at once. */
export function translate(
  objects: TrafficObjects,
  listeners: readonly Listener[],
  options: TranslateOptions,
): { readonly model: TrafficModel; readonly problems: readonly Problem[] } {
  const clusters = new Map<string, Cluster>();
  const endpoints = new Map<string, readonly Endpoint[]>();
  const services = new Map<string, ServicePort>();
  const problems: Problem[] = [];
  const slices = Map.groupBy(objects.endpointSlices, serviceKeyOf);
  const policies = new BackendPolicies(objects.backendPolicies ?? []);
  for (const service of objects.services) {
    const part = translateServiceSafely(service, slices.get(objectKey(service)) ?? [], [], policies);
    for (const [name, cluster] of part.clusters) clusters.set(name, cluster);
    for (const [name, list] of part.endpoints) endpoints.set(name, list);
    for (const [name, port] of part.services) services.set(name, port);
    problems.push(...part.problems);
  }
  const serviceByKey = new Map(objects.services.map((service) => [objectKey(service), service]));
  const secretByKey = new Map(objects.secrets.map((secret) => [objectKey(secret), secret]));
  const { ingresses, ingressClasses } = objects;
  const part = translateIngresses(
    {
      ingresses,
      ingressClasses,
      service: (key) => serviceByKey.get(key),
      secret: (key) => secretByKey.get(key),
    },
    options,
  );
  const { virtualHosts, certificates } = part;
  const varied = variantTables([...part.variants], { clusters, endpoints });
  for (const [name, cluster] of varied?.clusters ?? []) clusters.set(name, cluster);
  for (const [name, list] of varied?.endpoints ?? []) endpoints.set(name, list);
  const listenerByName = new Map(listeners.map((listener) => [listener.name, listener]));
  return {
    model: { listeners: listenerByName, certificates, virtualHosts, clusters, endpoints, services, clients: new Map() },
    problems: [...problems, ...part.problems],
  };
}

/** `namespace/name` of the Service that a slice belongs to; empty when it names none. */
export function serviceKeyOf(slice: EndpointSlice): string {
  const name = slice.metadata?.labels?.[SERVICE_NAME_LABEL] ?? '';
  return name === '' ? '' : `${slice.metadata?.namespace ?? ''}/${name}`;
}

/** The older goes first; of the same second, the first by namespace and name. */
function byAge(a: Ingress, b: Ingress): number {
  const [aTime, bTime] = [a, b].map(({ metadata }) => String(metadata?.creationTimestamp ?? ''));
  if (aTime !== bTime) return (aTime ?? '') < (bTime ?? '') ? -1 : 1;
  return objectKey(a) < objectKey(b) ? -1 : 1;
}
