// Explains a request from Kubernetes manifests alone: the translation that the controllers do, and pods as they will be.
// Knows no cluster; what is wrong with the manifests is told beside.
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import { createCertificateReader, readAuthorities } from '#control/controllers/traffic/read-certificate.ts';
import { TrafficWorld } from '#control/controllers/traffic/world.ts';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Listener, TrafficModel } from '#traffic/model/ir.ts';
import { type BackendTrafficPolicy, TRAFFIC_POLICY } from '#traffic/model/policy/traffic-policy.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import type { Explanation, Question } from '#traffic/proxy/explain/explanation.ts';
import { INGRESS_CLASS } from '../main/network.ts';
import { expectedLabels, expectedSlices } from './expected-pods.ts';
import { explainModel } from './from-config.ts';
import { gatewayObjects, gatewayProblems, policyProblems } from './gateway-manifests.ts';

export interface ManifestExplanation {
  readonly explanation: Explanation;
  /** A sentence each. */
  readonly problems: readonly string[];
}

/** What a Secret holds that is not there, ahead of its hosts: the embedded cluster makes such a certificate. */
const STAND_IN = 'made by the cluster for ';

export function explainManifests(
  given: readonly KubeObject[],
  listeners: readonly Listener[],
  question: Question,
): ManifestExplanation {
  const objects = given.map(inNamespace);
  const of = <T>(kind: string): T[] => objects.filter((object) => object.kind === kind) as T[];
  const services = of<Service & KubeObject>('Service');
  const ingresses = of<Ingress>('Ingress');
  const slices = of<EndpointSlice>('EndpointSlice');
  const withSlices = new Set(
    slices.map(({ metadata }) => `${metadata?.namespace}/${metadata?.labels?.['kubernetes.io/service-name']}`),
  );
  const expected = expectedSlices(
    services.filter((service) => !withSlices.has(objectKey(service))),
    objects,
  );
  const secrets = of<Secret & KubeObject>('Secret');
  const serviceByKey = new Map(services.map((service) => [objectKey(service), service]));
  const ingressByKey = new Map(ingresses.map((ingress) => [objectKey(ingress), ingress]));
  const secretByKey = new Map(
    [...missingSecrets(ingresses, new Set(secrets.map(objectKey))), ...secrets].map((one) => [objectKey(one), one]),
  );
  const slicesByService = Map.groupBy([...slices, ...expected], serviceKeyOf);
  const labels = expectedLabels(objects);
  const world = new TrafficWorld(
    {
      service: (key) => serviceByKey.get(key),
      slicesOf: (key) => slicesByService.get(key) ?? [],
      ingresses: () => ingresses,
      ingress: (key) => ingressByKey.get(key),
      ingressClasses: () => of<IngressClass>('IngressClass'),
      secret: (key) => secretByKey.get(key),
      gateways: () => gatewayObjects(objects),
      policies: () => [...of<BackendPolicy>('BackendPolicy'), ...of<BackendTrafficPolicy>(TRAFFIC_POLICY)],
      podLabels: () => (pod) => labels.get(pod),
    },
    {
      ingressClass: INGRESS_CLASS,
      ingressListeners: listeners.map(({ name }) => name),
      readCertificate: reader(),
      readAuthorities,
    },
  );
  for (const key of serviceByKey.keys()) world.touchService(key);
  const model = wholeModel(world, listeners);
  const problems = world.problems().map(({ kind, key, field, message }) => `${kind} "${key}", ${field}: ${message}`);
  return {
    explanation: withoutAddresses(explainModel(model, question), new Set(expected.flatMap(addressesOf))),
    problems: [...problems, ...gatewayProblems(world.gateways), ...policyProblems(world.policies, objects)],
  };
}

/** The first refresh of a world says everything. */
function wholeModel(world: TrafficWorld, listeners: readonly Listener[]): TrafficModel {
  const all = world.refresh() ?? {};
  const table = <T>(entries: ReadonlyMap<string, T | undefined> = new Map()): Map<string, T> =>
    new Map([...entries].flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  return {
    listeners: new Map([...listeners.map((listener) => [listener.name, listener] as const), ...table(all.listeners)]),
    certificates: table(all.certificates),
    virtualHosts: table(all.virtualHosts),
    clusters: table(all.clusters),
    endpoints: table(all.endpoints),
    services: table(all.services),
    clients: table(all.clients),
  };
}

function inNamespace(object: KubeObject): KubeObject {
  const { metadata } = object;
  return metadata?.namespace === undefined ? { ...object, metadata: { ...metadata, namespace: 'default' } } : object;
}

function missingSecrets(ingresses: readonly Ingress[], there: ReadonlySet<string>): Secret[] {
  return ingresses.flatMap(({ metadata, spec }) =>
    (spec?.tls ?? []).flatMap(({ secretName = '', hosts = [] }): Secret[] => {
      const namespace = metadata?.namespace ?? '';
      if (secretName === '' || there.has(`${namespace}/${secretName}`)) return [];
      const text = btoa(`${STAND_IN}${hosts.join(',')}`);
      const data = { 'tls.crt': text, 'tls.key': text };
      return [{ metadata: { namespace, name: secretName }, type: 'kubernetes.io/tls', data }];
    }),
  );
}

function reader(): ReturnType<typeof createCertificateReader> {
  const real = createCertificateReader();
  return (chain, key) => {
    if (!chain.startsWith(STAND_IN)) return real(chain, key);
    const hosts = chain.slice(STAND_IN.length);
    return { hostnames: hosts === '' ? [] : hosts.split(','), fingerprint: chain };
  };
}

function addressesOf({ endpoints = [] }: EndpointSlice): string[] {
  return endpoints.flatMap(({ addresses }) => addresses);
}

/** A pod that does not run has no address yet. */
function withoutAddresses(explanation: Explanation, standIns: ReadonlySet<string>): Explanation {
  const backends = explanation.backends.map((backend) => ({
    ...backend,
    endpoints: backend.endpoints.map((endpoint) => {
      const [address = '', port = ''] = endpoint.key.split(':');
      return standIns.has(address) ? { ...endpoint, key: `?:${port}`, state: 'expected' as const } : endpoint;
    }),
  }));
  return { ...explanation, backends };
}
