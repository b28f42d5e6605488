// The Service that holds the addresses of a Gateway: asked of the pools like that of any other LoadBalancer Service.
// Pure; no packet goes through it: the gateway listens at the addresses itself.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { Gateway } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { parseAddress } from '#lib/address-range.ts';
import { hash32 } from '#lib/hash.ts';
import type { Fault } from '#traffic/model/gateway/conditions.ts';
import type { GatewayView } from '#traffic/model/gateway/listener-view.ts';
import type { GatewayAddresses } from '#traffic/model/gateway/objects.ts';

/** Of GEP-1762: whose it is. */
export const GATEWAY_LABEL = 'gateway.networking.k8s.io/gateway-name';
const CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';
/** Proxies of nodes leave such a Service alone, this one's and others'. */
const PROXY_LABEL = 'service.kubernetes.io/service-proxy-name';
const PROXY = 'evenkeel-gateway';
const ASSIGNED = 'evenkeel.dev/AddressAssigned';

/** As GEP-1762 wants it, `NAME-CLASS`; shortened, and told apart by a hash, where a Service cannot be called so. */
export function serviceNameOf(gateway: Gateway): string {
  const { name = '' } = gateway.metadata ?? {};
  const wanted = `${name}-${gateway.spec?.gatewayClassName ?? ''}`;
  if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(wanted) && wanted.length <= 63) return wanted;
  const readable = wanted
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 50)
    .replace(/-+$/, '');
  return `${readable === '' ? 'gateway' : readable}-${hash32(wanted).toString(16)}`;
}

/** What should stand there; undefined for a Gateway that has nothing to listen on. */
export function serviceFor(view: GatewayView): (Service & KubeObject) | undefined {
  const { gateway, listeners } = view;
  const { namespace = '', name = '', uid = '' } = gateway.metadata ?? {};
  const ports = new Map<string, { name: string; port: number; protocol: 'TCP' | 'UDP' }>();
  for (const { spec, acceptFault, conflict } of listeners) {
    if (acceptFault !== undefined || conflict !== undefined) continue;
    const protocol = spec.protocol === 'UDP' ? 'UDP' : 'TCP';
    const label = `${protocol.toLowerCase()}-${spec.port}`;
    ports.set(label, { name: label, port: spec.port, protocol });
  }
  if (ports.size === 0 || view.acceptFault !== undefined) return undefined;
  const { labels = {}, annotations = {} } = gateway.spec?.infrastructure ?? {};
  const requested = requestedOf(gateway).join(',');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace,
      name: serviceNameOf(gateway),
      labels: {
        ...labels,
        [GATEWAY_LABEL]: labelValue(name),
        [CLASS_LABEL]: labelValue(gateway.spec?.gatewayClassName ?? ''),
        [PROXY_LABEL]: PROXY,
      },
      annotations: { ...annotations, ...(requested === '' ? {} : { 'evenkeel.dev/loadBalancerIPs': requested }) },
      ownerReferences: [
        {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'Gateway',
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      ipFamilyPolicy: 'PreferDualStack',
      ports: [...ports.values()],
    },
  };
}

/** A value of a label holds 63 characters. */
function labelValue(name: string): string {
  return name.length <= 63 ? name : `${name.slice(0, 50).replace(/[^A-Za-z0-9]+$/, '')}-${hash32(name).toString(16)}`;
}

/** One address of each family, which is what a Service can ask for. */
function requestedOf(gateway: Gateway): readonly string[] {
  const byFamily = new Map<number, string>();
  for (const { value = '' } of gateway.spec?.addresses ?? []) {
    const family = parseAddress(value)?.family;
    if (family !== undefined && !byFamily.has(family)) byFamily.set(family, value);
  }
  return [...byFamily.values()];
}

export function isOwnedBy(service: Service, gateway: Gateway): boolean {
  return (service.metadata?.ownerReferences ?? []).some(({ uid }) => uid === gateway.metadata?.uid);
}

/** Where the Gateway is to be served, from what became of its Service, and what is wrong with that. */
export function addressesFrom(gateway: Gateway, service: Service | undefined): GatewayAddresses {
  if (service === undefined) return { addresses: [] };
  if (!isOwnedBy(service, gateway)) {
    const fault = {
      reason: 'AddressNotAssigned',
      message: `Service "${objectKey(service)}" is in the way: the Service of that name is to hold the addresses of the Gateway; rename or remove it`,
    };
    return { addresses: [], fault };
  }
  const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }) => (ip === '' ? [] : [ip]));
  const fault = requestFault(gateway, addresses, service) ?? assignFault(addresses, service);
  const inside = (service.spec?.clusterIPs ?? []).filter((address) => address !== '' && address !== 'None');
  return { addresses, inside, ...(fault === undefined ? {} : { fault }) };
}

function requestFault(gateway: Gateway, addresses: readonly string[], service: Service): Fault | undefined {
  const asked = (gateway.spec?.addresses ?? []).flatMap(({ value = '' }) => (value === '' ? [] : [value]));
  const missing = asked.filter((value) => !addresses.includes(value));
  if (missing.length === 0) return undefined;
  const known = reasonOf(service);
  const refused = requestedOf(gateway).some((value) => missing.includes(value));
  const why = refused ? known : 'a Gateway gets one address of each family';
  return { reason: 'AddressNotUsable', message: `Address ${missing.join(', ')} cannot be had: ${why}` };
}

function assignFault(addresses: readonly string[], service: Service): Fault | undefined {
  if (addresses.length > 0) return undefined;
  return { reason: 'AddressNotAssigned', message: `The Gateway has no address: ${reasonOf(service)}` };
}

/** What the pools say. */
function reasonOf(service: Service): string {
  const told = (service.status?.conditions ?? []).find(({ type, status }) => type === ASSIGNED && status === 'False');
  return told?.message ?? 'nobody has given out an address yet; "kubectl get addresspools" shows what there is';
}
