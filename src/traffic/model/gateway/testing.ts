// Objects for tests of the translation of Gateways: read from YAML, with what an API server fills in.
// Reads files; certificates of test data are lines of text.
import { readFileSync } from 'node:fs';
import type { ConfigMap, Namespace, Secret, Service } from 'kubernetes-types/core/v1.js';
import { parseAllDocuments } from 'yaml';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { BackendPolicies } from '../policy/backend-policies.ts';
import type { ReadCertificate } from '../secret.ts';
import type { GatewayObjects, GatewayOptions } from './objects.ts';

/** `names: a.local b.local`, or an error. */
export const readCertificate: ReadCertificate = (chain) => {
  const names = /^names:(.*)$/m.exec(chain)?.[1];
  if (names === undefined) return { error: '"tls.crt" holds no certificate' };
  return { hostnames: names.split(' ').filter((name) => name !== ''), fingerprint: `of ${chain.trim()}` };
};

export const readAuthorities: GatewayOptions['readAuthorities'] = (pem) =>
  pem.startsWith('authority') ? { fingerprint: pem.trim() } : { error: '"ca.crt" holds no certificate' };

export function objectsIn(file: string): GatewayObjects {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map(
    (document) => document.toJS() as KubeObject | null,
  );
  return objectsOf(documents.filter((object) => object !== null));
}

/** Gateways have the address that their annotation `test/address` names, or 192.0.2.1. */
export function objectsOf(given: readonly KubeObject[]): GatewayObjects {
  const objects = given.map(stored);
  const all = <T>(kind: string): T[] => objects.filter((object) => object.kind === kind) as T[];
  const byKey = <T extends KubeObject>(kind: string): ReadonlyMap<string, T> =>
    new Map(all<T>(kind).map((object) => [objectKey(object), object]));
  const services = byKey<Service & KubeObject>('Service');
  const secrets = byKey<Secret & KubeObject>('Secret');
  const configMaps = byKey<ConfigMap & KubeObject>('ConfigMap');
  const namespaces = byKey<Namespace & KubeObject>('Namespace');
  const gateways = byKey<KubeObject>('Gateway');
  return {
    classes: all('GatewayClass'),
    gateways: all('Gateway'),
    listenerSets: all('ListenerSet'),
    httpRoutes: all('HTTPRoute'),
    grpcRoutes: all('GRPCRoute'),
    tlsRoutes: all('TLSRoute'),
    tcpRoutes: all('TCPRoute'),
    udpRoutes: all('UDPRoute'),
    grants: all('ReferenceGrant'),
    tlsPolicies: all('BackendTLSPolicy'),
    policies: new BackendPolicies(all('BackendPolicy')),
    find: (kind, key) => objects.find((object) => object.kind === kind && objectKey(object) === key),
    service: (key) => services.get(key),
    secret: (key) => secrets.get(key),
    configMap: (key) => configMaps.get(key),
    namespaceLabels: (name) => namespaces.get(name)?.metadata?.labels ?? (namespaces.has(name) ? {} : undefined),
    addresses: (key) => {
      const address = gateways.get(key)?.metadata?.annotations?.['test/address'] ?? '192.0.2.1';
      if (address === 'none')
        return { addresses: [], fault: { reason: 'AddressNotAssigned', message: 'No pool has one' } };
      return { addresses: address.split(',') };
    },
  };
}

/** `stringData` becomes base64 `data`; everything is in `default` unless it says otherwise. */
function stored(object: KubeObject): KubeObject {
  const clusterWide = ['GatewayClass', 'Namespace'].includes(object.kind ?? '');
  const metadata = { generation: 1, ...(clusterWide ? {} : { namespace: 'default' }), ...object.metadata };
  const { stringData, ...rest } = object as Secret & KubeObject;
  const data = Object.entries(stringData ?? {}).map(([name, text]) => [name, btoa(text)] as const);
  return { ...rest, metadata, ...(stringData === undefined ? {} : { data: Object.fromEntries(data) }) } as KubeObject;
}
