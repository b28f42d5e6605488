// What nobody serves, because what it wants to be part of is not there: no controller would say a word about it.
// Pure; what another controller may serve is none of ours to speak of.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, BackendTlsPolicy, Gateway, ListenerSet, ParentRef } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { portLabel } from '../names.ts';
import type { Problem, ProblemReason, UnservedKind } from '../problem.ts';
import { attempt } from './attempt.ts';
import type { GatewayObjects, RouteKindName } from './objects.ts';
import { ourClasses } from './views.ts';

interface Complaint {
  readonly reason: ProblemReason;
  readonly field: string;
  readonly message: string;
}

type Read<T> = (object: T) => readonly Complaint[];

/** Costs a look-up for each parent of each object. */
export function unservedObjects(objects: GatewayObjects): readonly Problem[] {
  const classes = new Set(objects.classes.map(({ metadata }) => metadata?.name ?? ''));
  const own = ourClasses(objects.classes)
    .filter(({ spec }) => spec?.parametersRef === undefined)
    .map(({ metadata }) => `"${metadata?.name}"`);
  const remedy = `use ${own.join(' or ') || 'one that exists'}`;
  const ofGateway: Read<Gateway> = ({ spec }) => {
    const name = spec?.gatewayClassName ?? '';
    if (classes.has(name)) return [];
    const message = `GatewayClass "${name}" does not exist, so nobody serves the Gateway: ${remedy}`;
    return [{ reason: 'GatewayClassNotFound', field: 'spec.gatewayClassName', message }];
  };
  const ofRoute: Read<AnyRoute> = (route) => routeComplaints(route, objects);
  const routes: readonly (readonly [RouteKindName, readonly AnyRoute[]])[] = [
    ['HTTPRoute', objects.httpRoutes],
    ['GRPCRoute', objects.grpcRoutes],
    ['TLSRoute', objects.tlsRoutes],
    ['TCPRoute', objects.tcpRoutes],
    ['UDPRoute', objects.udpRoutes],
  ];
  return [
    ...problemsOf('Gateway', objects.gateways, ofGateway),
    ...problemsOf('ListenerSet', objects.listenerSets, (set) => setComplaints(set, objects)),
    ...routes.flatMap(([kind, list]) => problemsOf(kind, list, ofRoute)),
    ...problemsOf('BackendTLSPolicy', objects.tlsPolicies, (policy) => policyComplaints(policy, objects)),
  ];
}

/** One of unforeseen shape is told elsewhere that it cannot be read. */
function problemsOf<T extends KubeObject>(kind: UnservedKind, list: readonly T[], read: Read<T>): readonly Problem[] {
  return list.flatMap((object) => {
    const complaints = attempt(() => read(object)) ?? [];
    return complaints.map((complaint): Problem => ({ kind, key: objectKey(object), ...complaint }));
  });
}

function setComplaints({ metadata, spec }: ListenerSet, objects: GatewayObjects): readonly Complaint[] {
  const field = 'spec.parentRef';
  const { group = GATEWAY_GROUP, kind = 'Gateway', name = '', namespace } = spec?.parentRef ?? {};
  if (group !== GATEWAY_GROUP) return [];
  if (kind !== 'Gateway') {
    const message = `A ListenerSet adds listeners to a Gateway, not to ${kind} "${name}": name a Gateway`;
    return [{ reason: 'ParentNotFound', field: `${field}.kind`, message }];
  }
  return missingParent('Gateway', `${namespace ?? metadata?.namespace ?? ''}/${name}`, field, objects);
}

function routeComplaints({ metadata, spec }: AnyRoute, objects: GatewayObjects): readonly Complaint[] {
  const { parentRefs = [], useDefaultGateways } = spec ?? {};
  if (parentRefs.length === 0 && useDefaultGateways === undefined) {
    const message = 'The route names no parent, so nobody serves it: name a Gateway';
    return [{ reason: 'ParentNotFound', field: 'spec.parentRefs', message }];
  }
  return parentRefs.flatMap((ref, at) => parentComplaints(ref, metadata?.namespace ?? '', at, objects));
}

function parentComplaints(ref: ParentRef, home: string, at: number, objects: GatewayObjects): readonly Complaint[] {
  const { group = GATEWAY_GROUP, kind = 'Gateway', name, namespace = home } = ref;
  if (group !== GATEWAY_GROUP) return [];
  const field = `spec.parentRefs[${at}]`;
  if (kind === 'Gateway' || kind === 'ListenerSet') return missingParent(kind, `${namespace}/${name}`, field, objects);
  const message = `A ${kind} of group "${group}" takes no routes: name a Gateway or a ListenerSet, or a Service with group ""`;
  return [{ reason: 'ParentNotFound', field: `${field}.kind`, message }];
}

function missingParent(
  kind: 'Gateway' | 'ListenerSet',
  key: string,
  field: string,
  objects: GatewayObjects,
): readonly Complaint[] {
  if (objects.find(kind, key) !== undefined) return [];
  const message = `${kind} "${key}" does not exist: create it, or correct name or namespace`;
  return [{ reason: 'ParentNotFound', field: `${field}.name`, message }];
}

function policyComplaints({ metadata, spec }: BackendTlsPolicy, objects: GatewayObjects): readonly Complaint[] {
  return (spec?.targetRefs ?? []).flatMap(({ group = '', kind, name, sectionName }, at): Complaint[] => {
    const field = `spec.targetRefs[${at}]`;
    const told = (where: string, message: string): Complaint[] => [
      { reason: 'TargetNotFound', field: `${field}.${where}`, message },
    ];
    if (group !== '' || kind !== 'Service') {
      return told('kind', `${kind} "${name}" of group "${group}" is no Service: name a Service, with group ""`);
    }
    const key = `${metadata?.namespace ?? ''}/${name}`;
    const service = objects.service(key);
    if (service === undefined) return told('name', `Service "${key}" does not exist: create it or correct the name`);
    const ports = service.spec?.ports ?? [];
    if (sectionName === undefined || ports.some((port) => port.name === sectionName)) return [];
    const known = ports.map((port) => `"${portLabel(port)}"`).join(', ') || 'none';
    return told('sectionName', `Service "${key}" has no port "${sectionName}": use one of ${known}`);
  });
}
