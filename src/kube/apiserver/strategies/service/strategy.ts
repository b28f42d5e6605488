// Services: which addresses and ports each type has, and how they are asked for and carried over updates.
// Knows Services only; the pools and their bookkeeping are beside it.

import { invalid, type StatusCause, StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import {
  type AnyObject,
  dig,
  digArray,
  digNumber,
  digString,
  type Fields,
  isFields,
} from '../../registry/any-object.ts';
import type { Strategy, Undo } from '../strategy.ts';
import { clusterIpsOf, nodePortsOf, type ServiceAllocations } from './allocations.ts';
import { settleFamilies } from './ip-families.ts';
import type { Reservation } from './ip-pool.ts';
import { familyOf } from './ip-pools.ts';

export const serviceStrategy: Strategy = {
  createOnUpdate: true,
  returnsDeleted: true,
  initialStatus: { loadBalancer: {} },
  selectableFields: {
    'spec.clusterIP': (service) => digString(service, 'spec', 'clusterIP'),
    'spec.type': (service) => digString(service, 'spec', 'type'),
  },

  prepareForCreate(service, { services }) {
    normalizeClusterIps(specOf(service), undefined);
    settleFamilies(service, undefined, services.ips);
  },

  prepareForUpdate(next, current, { services }) {
    carryOver(next, current);
    dropWhatTheTypeHasNot(next, current);
    normalizeClusterIps(specOf(next), current.spec);
    settleFamilies(next, current, services.ips);
  },

  reserve(next, current, { services }) {
    const undo: Undo[] = [];
    const takeBack = (): void => {
      for (const step of undo.reverse()) step();
    };
    try {
      const spec = specOf(next);
      if (hasClusterIp(spec)) reserveClusterIps(next, current, services, undo);
      if (hasNodePorts(spec)) reserveNodePorts(next, current, services, undo);
      if (hasHealthCheckPort(spec)) reserveHealthCheckPort(next, current, services, undo);
    } catch (error) {
      takeBack();
      throw error;
    }
    return takeBack;
  },
};

function specOf(service: AnyObject): Fields {
  service.spec ??= {};
  return service.spec;
}

const typeOf = (spec: unknown): string => digString(spec, 'type') || 'ClusterIP';
const isHeadless = (spec: unknown): boolean => digString(spec, 'clusterIP') === 'None';
const hasClusterIp = (spec: Fields): boolean => typeOf(spec) !== 'ExternalName';
const hasNodePorts = (spec: Fields): boolean =>
  typeOf(spec) === 'NodePort' ||
  (typeOf(spec) === 'LoadBalancer' && dig(spec, 'allocateLoadBalancerNodePorts') !== false);
const mayHaveNodePorts = (spec: Fields): boolean => ['NodePort', 'LoadBalancer'].includes(typeOf(spec));
const hasHealthCheckPort = (spec: Fields): boolean =>
  typeOf(spec) === 'LoadBalancer' && digString(spec, 'externalTrafficPolicy') === 'Local';

/** Clients of before dual-stack set `clusterIP` alone; it is the first of `clusterIPs`. */
function normalizeClusterIps(spec: Fields, before: Fields | undefined): void {
  if (typeOf(spec) === 'ExternalName') return;
  const single = digString(spec, 'clusterIP');
  const listed = digArray(spec, 'clusterIPs');
  const onlySingle =
    before !== undefined &&
    digString(before, 'clusterIP') !== single &&
    jsonEqual(digArray(before, 'clusterIPs'), listed);
  if (single !== '' && (listed.length === 0 || onlySingle)) spec.clusterIPs = [single];
  else if (single === '' && listed.length > 0) spec.clusterIP = listed[0];
}

/** An update that leaves out what was allocated keeps it, as upstream's patchAllocatedValues. */
function carryOver(next: AnyObject, current: AnyObject): void {
  const spec = specOf(next);
  const old = current.spec ?? {};
  if (hasClusterIp(spec) && typeOf(old) !== 'ExternalName') {
    const listed = digArray(spec, 'clusterIPs');
    if (digString(spec, 'clusterIP') === '' && listed.length === 0) spec.clusterIP = old.clusterIP;
    if (listed.length === 0 && spec.clusterIP === old.clusterIP) spec.clusterIPs = old.clusterIPs;
  }
  if (mayHaveNodePorts(spec) && mayHaveNodePorts(old)) {
    const held = new Map(digArray(old, 'ports').map((port) => [portIdentity(port), digNumber(port, 'nodePort')]));
    const used = new Set(digArray(spec, 'ports').map((port) => digNumber(port, 'nodePort')));
    for (const port of digArray(spec, 'ports')) {
      const known = held.get(portIdentity(port));
      if (isFields(port) && !digNumber(port, 'nodePort') && known !== undefined && !used.has(known)) {
        port.nodePort = known;
      }
    }
  }
  if (hasHealthCheckPort(spec) && hasHealthCheckPort(old)) spec.healthCheckNodePort ??= old.healthCheckNodePort;
}

const portIdentity = (port: unknown): string => `${digString(port, 'protocol') || 'TCP'}/${dig(port, 'port')}`;

/** What the Service of now cannot have goes, unless it was changed as well; upstream's dropTypeDependentFields. */
function dropWhatTheTypeHasNot(next: AnyObject, current: AnyObject): void {
  const spec = specOf(next);
  const old = current.spec ?? {};
  const sameIp = digString(spec, 'clusterIP') === digString(old, 'clusterIP');
  if (!hasClusterIp(spec) && typeOf(old) !== 'ExternalName' && sameIp) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']) {
      delete spec[field];
    }
  }
  if (!mayHaveNodePorts(spec) && mayHaveNodePorts(old)) {
    const held = nodePortsOf({ spec: { ports: old.ports } });
    for (const port of digArray(spec, 'ports')) {
      if (isFields(port) && held.has(digNumber(port, 'nodePort') ?? 0)) delete port.nodePort;
    }
  }
  if (!isReachable(spec) && isReachable(old) && spec.externalTrafficPolicy === old.externalTrafficPolicy) {
    delete spec.externalTrafficPolicy;
  }
  if (!hasHealthCheckPort(spec) && hasHealthCheckPort(old) && spec.healthCheckNodePort === old.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
  if (typeOf(spec) !== 'LoadBalancer' && typeOf(old) === 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
    next.status = { ...next.status, loadBalancer: {} };
  }
}

/** From outside of the cluster: what an external traffic policy is for. */
const isReachable = (spec: Fields): boolean =>
  mayHaveNodePorts(spec) || (typeOf(spec) === 'ClusterIP' && digArray(spec, 'externalIPs').length > 0);

function reserveClusterIps(
  next: AnyObject,
  current: AnyObject | undefined,
  { ips }: ServiceAllocations,
  undo: Undo[],
): void {
  const spec = specOf(next);
  if (isHeadless(spec)) return;
  const held = new Set(clusterIpsOf(current));
  const wanted = clusterIpsOf(next);
  for (const ip of wanted) {
    if (held.has(ip)) continue;
    // The first address is kept for the API server's own Service.
    const isOwn = ip === ips.first() && next.metadata?.namespace === 'default' && next.metadata.name === 'kubernetes';
    const outcome: Reservation = isOwn ? 'reserved' : ips.reserve(ip);
    if (outcome !== 'reserved') throw refusedIp(next, wanted, ip, outcome, ips.describe(familyOf(ip)));
    if (!isOwn) undo.push(() => ips.release(ip));
  }
  const families = digArray(spec, 'ipFamilies');
  for (const family of families.slice(wanted.length)) {
    const wantedFamily = family === 'IPv6' ? 'IPv6' : 'IPv4';
    const ip = ips.next(wantedFamily);
    if (ip === undefined) {
      throw new StatusError(
        500,
        'InternalError',
        `Internal error occurred: failed to allocate a serviceIP: range is full (${ips.describe(wantedFamily)})`,
      );
    }
    undo.push(() => ips.release(ip));
    wanted.push(ip);
  }
  spec.clusterIP = wanted[0];
  spec.clusterIPs = wanted;
}

function refusedIp(service: AnyObject, all: string[], ip: string, outcome: Reservation, ranges: string): StatusError {
  const why =
    outcome === 'taken'
      ? 'provided IP is already allocated'
      : outcome === 'edge'
        ? `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${ranges}`
        : `the provided network does not match the current range (${ranges})`;
  return refused(service, {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(all)}: failed to allocate IP ${ip}: ${why}`,
    field: 'spec.clusterIPs',
  });
}

function reserveNodePorts(
  next: AnyObject,
  current: AnyObject | undefined,
  allocations: ServiceAllocations,
  undo: Undo[],
): void {
  const ports = digArray(next, 'spec', 'ports').filter(isFields);
  const own = nodePortsOf(current);
  // Ports asked for by number come first, so that a random choice does not take one of them.
  for (const [index, port] of ports.entries()) {
    const asked = digNumber(port, 'nodePort') ?? 0;
    if (asked > 0) reservePort(next, asked, `spec.ports[${index}].nodePort`, own, allocations, undo);
  }
  for (const port of ports) {
    if ((digNumber(port, 'nodePort') ?? 0) > 0) continue;
    // One number serves a port in all its protocols, as upstream.
    const sibling = ports.find(
      (other) =>
        other !== port &&
        other.port === port.port &&
        other.protocol !== port.protocol &&
        (digNumber(other, 'nodePort') ?? 0) > 0,
    );
    port.nodePort = sibling?.nodePort ?? nextPort(allocations, own, undo);
  }
}

function reserveHealthCheckPort(
  next: AnyObject,
  current: AnyObject | undefined,
  allocations: ServiceAllocations,
  undo: Undo[],
): void {
  const spec = specOf(next);
  const own = nodePortsOf(current);
  const asked = digNumber(spec, 'healthCheckNodePort') ?? 0;
  if (asked > 0) reservePort(next, asked, 'spec.healthCheckNodePort', own, allocations, undo);
  else spec.healthCheckNodePort = nextPort(allocations, own, undo);
}

function reservePort(
  service: AnyObject,
  port: number,
  field: string,
  own: Set<number>,
  { ports }: ServiceAllocations,
  undo: Undo[],
): void {
  if (own.has(port)) return;
  const outcome = ports.reserve(port);
  if (outcome === 'reserved') {
    own.add(port);
    undo.push(() => ports.release(port));
    return;
  }
  const why =
    outcome === 'taken'
      ? 'provided port is already allocated'
      : `provided port is not in the valid range. The range of valid ports is ${ports.range.from}-${ports.range.to}`;
  throw refused(service, { reason: 'FieldValueInvalid', message: `Invalid value: ${port}: ${why}`, field });
}

function nextPort({ ports }: ServiceAllocations, own: Set<number>, undo: Undo[]): number {
  const port = ports.next();
  if (port === undefined) {
    throw new StatusError(
      500,
      'InternalError',
      `Internal error occurred: failed to allocate a nodePort: range is full (${ports.range.from}-${ports.range.to})`,
    );
  }
  own.add(port);
  undo.push(() => ports.release(port));
  return port;
}

function refused(service: AnyObject, cause: StatusCause): StatusError {
  return invalid('', 'Service', service.metadata?.name ?? '', [cause]);
}
