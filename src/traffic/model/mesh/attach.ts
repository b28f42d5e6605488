// Which ports of Services a route is attached to, parent by parent, and what to say where it is attached to none.
// Knows nothing of rules and backends, and no other route.
import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { AnyRoute, ParentRef } from '#kube/api/gateway/types.ts';
import type { Fault } from '../gateway/conditions.ts';
import type { RouteKindName } from '../gateway/objects.ts';
import { portLabel } from '../names.ts';
import { isTcp, speaksHttp, strangeProtocol } from './speaks-http.ts';

/** A port of a Service at which a route is served. */
export interface FrontPort {
  /** `namespace/name`. */
  readonly service: string;
  readonly port: ServicePort;
  /** For clients of this namespace alone, whose route it is; empty for a route of the Service's own namespace. */
  readonly group: string;
}

export interface MeshOutcome {
  readonly parentRef: ParentRef;
  readonly attached: readonly FrontPort[];
  /** Why it is attached to none. */
  readonly fault: Fault | undefined;
}

/** One outcome for each parent that is a Service. */
export function attachToServices(
  kind: RouteKindName,
  route: AnyRoute,
  serviceOf: (key: string) => Service | undefined,
): readonly MeshOutcome[] {
  const home = route.metadata?.namespace ?? '';
  return (route.spec?.parentRefs ?? []).filter(isServiceRef).map((parentRef) => {
    const { name, namespace = home } = parentRef;
    const key = `${namespace}/${name}`;
    const found = portsFor(kind, key, parentRef, serviceOf(key));
    if ('reason' in found) return { parentRef, attached: [], fault: found };
    const group = namespace === home ? '' : home;
    return { parentRef, attached: found.map((port) => ({ service: key, port, group })), fault: undefined };
  });
}

export function isServiceRef({ group, kind }: ParentRef): boolean {
  return group === '' && kind === 'Service';
}

function portsFor(
  kind: RouteKindName,
  key: string,
  { port: number, sectionName = '' }: ParentRef,
  service: Service | undefined,
): readonly ServicePort[] | Fault {
  if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') {
    return unsupported(
      `A ${kind} is served on Gateways only; at Services there are HTTPRoute and GRPCRoute: attach it to a Gateway, or remove the parent`,
    );
  }
  if (service === undefined) {
    return { reason: 'NoMatchingParent', message: `Service "${key}" does not exist: create it or correct the name` };
  }
  const { type, clusterIP = '', ports = [] } = service.spec ?? {};
  if (type === 'ExternalName' || clusterIP === '' || clusterIP === 'None') {
    const what = type === 'ExternalName' ? 'of type ExternalName' : 'headless';
    return unsupported(
      `Service "${key}" is ${what}: requests to it go past every proxy, so attach the route to a Service with a cluster IP`,
    );
  }
  const named = ports.filter(
    (one) => (number === undefined || one.port === number) && (sectionName === '' || one.name === sectionName),
  );
  const known = ports.map((one) => `${portLabel(one)} (${one.port}/${one.protocol ?? 'TCP'})`).join(', ') || 'none';
  if (named.length === 0) {
    const wanted = [sectionName === '' ? '' : ` "${sectionName}"`, number === undefined ? '' : ` ${number}`].join('');
    return { reason: 'NoMatchingParent', message: `Service "${key}" has no port${wanted}: it has ${known}` };
  }
  const isNamed = number !== undefined || sectionName !== '';
  const served = named.filter((one) => (isNamed ? isTcp(one) && strangeProtocol(one) === undefined : speaksHttp(one)));
  if (served.length > 0) return served;
  return unsupported(
    `No port of Service "${key}" that the route is for speaks HTTP (${known}): say so by appProtocol http, kubernetes.io/h2c or grpc`,
  );
}

function unsupported(message: string): Fault {
  return { reason: 'UnsupportedValue', message };
}
