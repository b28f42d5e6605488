// From Kubernetes objects to the traffic model: a pure function, whole or part by part.
// Knows no API server; objects come in, the model and the problems of single objects go out.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { variantTables } from './gateway/variants.ts';
import { type IngressOptions, IngressTranslator } from './ingress-translator.ts';
import type { Cluster, Endpoint, Listener, ServicePort, TrafficModel } from './ir.ts';
import { BackendPolicies } from './policy/backend-policies.ts';
import { isolated, type Problem } from './problem.ts';
import { type ServicePart, translateService } from './service.ts';
import { SERVICE_NAME_LABEL } from './service-endpoints.ts';

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
  options: IngressOptions,
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
  const ingressByKey = new Map(ingresses.map((ingress) => [objectKey(ingress), ingress]));
  const part = new IngressTranslator(options);
  part.update({
    ingresses,
    ingressClasses,
    ingress: (key) => ingressByKey.get(key),
    service: (key) => serviceByKey.get(key),
    secret: (key) => secretByKey.get(key),
  });
  const virtualHosts = new Map([...part.virtualHosts].sort(([a], [b]) => (a < b ? -1 : 1)));
  const { certificates } = part;
  const varied = variantTables([...part.variants.all], { clusters, endpoints });
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
