// Gateways and their routes as manifests have them: what the API server and the pools would add stands in.
// Knows no cluster; the translation is the controllers'.
import type { ConfigMap, Namespace, Secret, Service } from 'kubernetes-types/core/v1.js';
import type { Gateway, GatewayClass, HttpRoute } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { GATEWAY_CONTROLLER } from '#traffic/model/gateway/conditions.ts';
import type { GatewayObjects } from '#traffic/model/gateway/objects.ts';
import type { GatewayPart } from '#traffic/model/gateway/translate-gateways.ts';
import { portLabel } from '#traffic/model/names.ts';
import type { BackendPolicies } from '#traffic/model/policy/backend-policies.ts';
import { policyStatuses, type SectionsOf } from '#traffic/model/policy/policy-status.ts';
import { GATEWAY_CLASS } from '../main/gateway-objects.ts';

/** Of documentation (RFC 5737): stands for the address that a Gateway will have. */
const STAND_IN = '192.0.2.';

const ownClass: GatewayClass = {
  kind: 'GatewayClass',
  metadata: { name: GATEWAY_CLASS },
  spec: { controllerName: GATEWAY_CONTROLLER },
} as GatewayClass;

export function gatewayObjects(objects: readonly KubeObject[]): GatewayObjects {
  const all = <T>(kind: string): T[] => objects.filter((object) => object.kind === kind) as unknown as T[];
  const byKey = <T extends KubeObject>(kind: string): ReadonlyMap<string, T> =>
    new Map(all<T>(kind).map((object) => [objectKey(object), object]));
  const services = byKey<Service & KubeObject>('Service');
  const secrets = byKey<Secret & KubeObject>('Secret');
  const configMaps = byKey<ConfigMap & KubeObject>('ConfigMap');
  const namespaces = new Map(all<Namespace>('Namespace').map((one) => [one.metadata?.name ?? '', one]));
  const gateways = all<Gateway>('Gateway').map(objectKey);
  const classes = all<GatewayClass>('GatewayClass');
  return {
    classes: classes.some(({ metadata }) => metadata?.name === GATEWAY_CLASS) ? classes : [...classes, ownClass],
    gateways: all('Gateway'),
    listenerSets: all('ListenerSet'),
    httpRoutes: all('HTTPRoute'),
    grpcRoutes: all('GRPCRoute'),
    tlsRoutes: all('TLSRoute'),
    tcpRoutes: all('TCPRoute'),
    udpRoutes: all('UDPRoute'),
    grants: all('ReferenceGrant'),
    tlsPolicies: all('BackendTLSPolicy'),
    find: (kind, key) => objects.find((object) => object.kind === kind && objectKey(object) === key),
    service: (key) => services.get(key),
    secret: (key) => secrets.get(key),
    configMap: (key) => configMaps.get(key),
    // Every namespace has this label; those that no manifest makes are there already.
    namespaceLabels: (name) => ({ 'kubernetes.io/metadata.name': name, ...namespaces.get(name)?.metadata?.labels }),
    addresses: (key) => ({ addresses: [`${STAND_IN}${1 + (gateways.indexOf(key) % 250)}`] }),
  };
}

/** What objects would be told that is no good news, a sentence each. */
export function gatewayProblems(part: Pick<GatewayPart, 'statusesOf'>): readonly string[] {
  return part.statusesOf(new Map()).flatMap((status) => {
    const groups =
      'parents' in status
        ? status.parents.map(({ conditions }) => conditions)
        : 'ancestors' in status
          ? status.ancestors.map(({ conditions }) => conditions)
          : [status.status.conditions ?? [], ...listenersOf(status.status)];
    const bad = groups
      .flat()
      .filter(({ type, status: is }) => (GOOD.has(type) ? is === 'False' : is === 'True' && !type.endsWith('Affected')))
      .map(({ message }) => `${status.kind} "${status.key}": ${message}`);
    return [...new Set(bad)];
  });
}

/** What BackendPolicies would be told that is no good news. */
export function policyProblems(policies: BackendPolicies, objects: readonly KubeObject[]): readonly string[] {
  const byName = new Map(objects.map((object) => [`${object.kind} ${objectKey(object)}`, object]));
  const sectionsOf: SectionsOf = (kind, key) => {
    const object = byName.get(`${kind} ${key}`);
    if (kind === 'Service') return object && ((object as Service).spec?.ports ?? []).map(portLabel);
    return object && ((object as HttpRoute).spec?.rules ?? []).map(({ name = '' }) => name);
  };
  return policyStatuses(policies, sectionsOf).flatMap(({ kind, key, ancestors }) =>
    ancestors
      .flatMap(({ conditions }) => conditions)
      .filter(({ status }) => status === 'False')
      .map(({ message }) => `${kind} "${key}": ${message}`),
  );
}

/** What should be True; of other types True is the bad news. */
const GOOD: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs', 'Programmed']);

function listenersOf(status: object): readonly NonNullable<NonNullable<Gateway['status']>['conditions']>[] {
  return ((status as NonNullable<Gateway['status']>).listeners ?? []).map(({ conditions }) => conditions);
}
