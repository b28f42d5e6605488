// What nobody serves, because what it wants to be part of is not there: no controller would say a word about it.
// Pure; what another controller may serve is none of ours to speak of.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, BackendTlsPolicy, Gateway, ListenerSet, ParentRef } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { portLabel } from '../names.ts';
import type { Problem, ProblemReason, UnservedKind } from '../problem.ts';
import { attempt } from './attempt.ts';
import { Dependents } from './dependents.ts';
import type { GatewayNews } from './news.ts';
import type { GatewayObjects } from './objects.ts';
import { ourClasses } from './views.ts';

interface Complaint {
  readonly reason: ProblemReason;
  readonly field: string;
  readonly message: string;
}

type Lookups = Pick<GatewayObjects, 'classes' | 'find' | 'service'>;
type Read<T> = (object: T, objects: Lookups) => readonly Complaint[];

const READS: Readonly<Record<UnservedKind, Read<never>>> = {
  Gateway: gatewayComplaints,
  ListenerSet: setComplaints,
  HTTPRoute: routeComplaints,
  GRPCRoute: routeComplaints,
  TLSRoute: routeComplaints,
  TCPRoute: routeComplaints,
  UDPRoute: routeComplaints,
  BackendTLSPolicy: policyComplaints,
};

/** What is said now; only what a change concerns is looked at again. */
export class UnservedObjects {
  readonly #problems = new Map<string, readonly Problem[]>();
  readonly #reads = new Dependents();
  /** Whether a parent was there when it was looked for last: what else is new about it changes nothing here. */
  readonly #parents = new Map<string, boolean>();

  get problems(): readonly Problem[] {
    return [...this.#problems.values()].flat();
  }

  /** Takes in what has changed; without `news` everything may have. */
  update(objects: GatewayObjects, news?: GatewayNews): void {
    const ids = new Set<string>();
    if (news === undefined) {
      for (const id of [...idsIn(objects), ...this.#problems.keys()]) ids.add(id);
      this.#parents.clear();
    }
    for (const { kind, key } of news ?? []) {
      const id = `${kind} ${key}`;
      if (Object.hasOwn(READS, kind)) ids.add(id);
      if (kind === 'GatewayClass') for (const gateway of objects.gateways) ids.add(`Gateway ${objectKey(gateway)}`);
      const before = this.#parents.get(id);
      if (before !== undefined && before === (objects.find(kind, key) !== undefined)) continue;
      for (const reader of this.#reads.of(id)) ids.add(reader);
    }
    for (const id of ids) this.#look(id, objects);
  }

  #look(id: string, objects: GatewayObjects): void {
    const split = id.indexOf(' ');
    const kind = id.slice(0, split) as UnservedKind;
    const key = id.slice(split + 1);
    const object = objects.find(kind, key);
    const reads = new Set<string>();
    const noted: Lookups = {
      classes: objects.classes,
      find: (parent, name) => {
        const found = objects.find(parent, name);
        reads.add(`${parent} ${name}`);
        this.#parents.set(`${parent} ${name}`, found !== undefined);
        return found;
      },
      service: (name) => {
        reads.add(`Service ${name}`);
        return objects.service(name);
      },
    };
    // One of unforeseen shape is told elsewhere that it cannot be read.
    const complaints = object === undefined ? [] : (attempt(() => READS[kind](object as never, noted)) ?? []);
    this.#reads.put(id, reads);
    if (complaints.length === 0) this.#problems.delete(id);
    else {
      const problems = complaints.map((complaint): Problem => ({ kind, key, ...complaint }));
      this.#problems.set(id, problems);
    }
  }
}

function idsIn(objects: GatewayObjects): readonly string[] {
  const { gateways, listenerSets, httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes, udpRoutes, tlsPolicies } = objects;
  const lists: readonly (readonly [UnservedKind, readonly KubeObject[]])[] = [
    ['Gateway', gateways],
    ['ListenerSet', listenerSets],
    ['HTTPRoute', httpRoutes],
    ['GRPCRoute', grpcRoutes],
    ['TLSRoute', tlsRoutes],
    ['TCPRoute', tcpRoutes],
    ['UDPRoute', udpRoutes],
    ['BackendTLSPolicy', tlsPolicies],
  ];
  return lists.flatMap(([kind, list]) => list.map((object) => `${kind} ${objectKey(object)}`));
}

function gatewayComplaints({ spec }: Gateway, { classes }: Lookups): readonly Complaint[] {
  const name = spec?.gatewayClassName ?? '';
  if (classes.some(({ metadata }) => (metadata?.name ?? '') === name)) return [];
  const own = ourClasses(classes)
    .filter(({ spec }) => spec?.parametersRef === undefined)
    .map(({ metadata }) => `"${metadata?.name}"`);
  const remedy = `use ${own.join(' or ') || 'one that exists'}`;
  const message = `GatewayClass "${name}" does not exist, so nobody serves the Gateway: ${remedy}`;
  return [{ reason: 'GatewayClassNotFound', field: 'spec.gatewayClassName', message }];
}

function setComplaints({ metadata, spec }: ListenerSet, objects: Lookups): readonly Complaint[] {
  const field = 'spec.parentRef';
  const { group = GATEWAY_GROUP, kind = 'Gateway', name = '', namespace } = spec?.parentRef ?? {};
  if (group !== GATEWAY_GROUP) return [];
  if (kind !== 'Gateway') {
    const message = `A ListenerSet adds listeners to a Gateway, not to ${kind} "${name}": name a Gateway`;
    return [{ reason: 'ParentNotFound', field: `${field}.kind`, message }];
  }
  return missingParent('Gateway', `${namespace ?? metadata?.namespace ?? ''}/${name}`, field, objects);
}

function routeComplaints({ metadata, spec }: AnyRoute, objects: Lookups): readonly Complaint[] {
  const { parentRefs = [], useDefaultGateways } = spec ?? {};
  if (parentRefs.length === 0 && useDefaultGateways === undefined) {
    const message = 'The route names no parent, so nobody serves it: name a Gateway';
    return [{ reason: 'ParentNotFound', field: 'spec.parentRefs', message }];
  }
  return parentRefs.flatMap((ref, at) => parentComplaints(ref, metadata?.namespace ?? '', at, objects));
}

function parentComplaints(ref: ParentRef, home: string, at: number, objects: Lookups): readonly Complaint[] {
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
  objects: Lookups,
): readonly Complaint[] {
  if (objects.find(kind, key) !== undefined) return [];
  const message = `${kind} "${key}" does not exist: create it, or correct name or namespace`;
  return [{ reason: 'ParentNotFound', field: `${field}.name`, message }];
}

function policyComplaints({ metadata, spec }: BackendTlsPolicy, objects: Lookups): readonly Complaint[] {
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
