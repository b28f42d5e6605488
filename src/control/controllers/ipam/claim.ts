// What a Service asks of the pools, read from its spec and its annotations.
// Pure; knows no pool and no other Service. Upstream: controller/service.go and internal/allocator/k8salloc of metallb.io.
import type { Service } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Labels } from '#kube/api/selector.ts';
import { type Address, type Family, formatAddress, parseAddress } from '#lib/address-range.ts';
import { annotationOf, PREFIX } from '#traffic/model/pools/annotations.ts';
import type { Applicant } from '#traffic/model/pools/pool.ts';
import { type Refusal, refusal } from './refusal.ts';

/** What those who share an address must agree on. */
export interface Terms {
  /** `namespace/name`. */
  readonly key: string;
  /** `TCP/80`, as they must differ. */
  readonly ports: readonly string[];
  /** The same; empty: shares with nobody. */
  readonly sharingKey: string;
  /** The same: traffic is either spread over all nodes, or goes to the same pods. */
  readonly backends: string;
}

export interface Claim extends Applicant, Terms {
  /** One or two, that which comes first in the Service first. */
  readonly families: readonly Family[];
  /** Whether fewer than all families are no use. */
  readonly needsAll: boolean;
  readonly addresses: readonly Address[];
  /** Name of the pool asked for. */
  readonly pool?: string;
}

/** Of any Service, whatever mistakes there are in what it asks for. */
export function termsOf(service: Service & KubeObject): Terms {
  const { metadata = {}, spec = {} } = service;
  return {
    key: objectKey(service),
    ports: (spec.ports ?? []).map(({ protocol = 'TCP', port }) => `${protocol}/${port}`),
    sharingKey: annotationOf(metadata, 'allow-shared-ip') ?? '',
    backends: backendsOf(service),
  };
}

export function claimOf(service: Service & KubeObject, namespaceLabels: Labels): Claim | Refusal {
  const { metadata = {}, spec = {} } = service;
  const families = familiesOf(service);
  if (families.length === 0) {
    const message = 'The Service has no cluster IP, from which its address families are known; remove clusterIP: None';
    return refusal('NoClusterIP', message);
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && families.length < 2) {
    const message = `ipFamilyPolicy is RequireDualStack, but the Service has one cluster IP only (${(spec.clusterIPs ?? []).join(', ')}); give the cluster Service addresses of both families, or choose PreferDualStack`;
    return refusal('NotDualStack', message);
  }
  const addresses = requested(service, families);
  if ('reason' in addresses) return addresses;
  const pool = annotationOf(metadata, 'address-pool');
  return {
    ...termsOf(service),
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    namespaceLabels,
    families,
    needsAll: spec.ipFamilyPolicy === 'RequireDualStack',
    addresses: addresses.list,
    ...(pool === undefined || pool === '' ? {} : { pool }),
  };
}

function familiesOf({ spec = {} }: Service): Family[] {
  const named = (spec.ipFamilies ?? []).map((name): Family => (name === 'IPv6' ? 6 : 4));
  const { clusterIP = '', clusterIPs = clusterIP === '' ? [] : [clusterIP] } = spec;
  const real = clusterIPs.flatMap((text) => parseAddress(text)?.family ?? []);
  if (real.length === 0) return [];
  return named.length > 0 ? named.slice(0, 2) : real.slice(0, 2);
}

function backendsOf({ spec = {} }: Service): string {
  if (spec.externalTrafficPolicy !== 'Local') return 'Cluster';
  const selector = Object.entries(spec.selector ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return `Local:${selector.map(([name, value]) => `${name}=${value}`).join(',')}`;
}

function requested(service: Service, families: readonly Family[]): { readonly list: readonly Address[] } | Refusal {
  const { metadata = {}, spec = {} } = service;
  const annotation = annotationOf(metadata, 'loadBalancerIPs') ?? '';
  const field = spec.loadBalancerIP ?? '';
  const list: Address[] = [];
  for (const text of (annotation === '' ? field : annotation).split(',').map((part) => part.trim())) {
    if (annotation === '' && field === '') break;
    const address = parseAddress(text);
    if (address === undefined) {
      const where = annotation === '' ? 'spec.loadBalancerIP' : `Annotation ${PREFIX}/loadBalancerIPs`;
      const message = `${where}: "${text}" is no IP address; write one address, or one of each family with a comma between`;
      return refusal('InvalidRequest', message);
    }
    list.push(address);
  }
  const texts = list.map(formatAddress);
  if (list.length > 2 || (list.length === 2 && list[0]?.family === list[1]?.family)) {
    const message = `${texts.join(', ')} are asked for; ask for one address, or for one of each family`;
    return refusal('InvalidRequest', message);
  }
  const other = annotation !== '' && field !== '' ? parseAddress(field) : undefined;
  if (annotation !== '' && field !== '' && (other === undefined || !texts.includes(formatAddress(other)))) {
    const message = `Annotation ${PREFIX}/loadBalancerIPs asks for ${annotation}, spec.loadBalancerIP for ${field}; remove one of the two`;
    return refusal('ConflictingRequests', message);
  }
  const foreign = list.find(({ family }) => !families.includes(family));
  if (foreign !== undefined) {
    const message = `${formatAddress(foreign)} is asked for, but the Service is of ${families.map(familyName).join(' and ')} only; ask for an address of that family, or change ipFamilies`;
    return refusal('FamilyMismatch', message);
  }
  if (list.length > 0 && list.length < families.length && spec.ipFamilyPolicy === 'RequireDualStack') {
    const message = `${texts.join(', ')} alone is asked for, and ipFamilyPolicy is RequireDualStack; ask for an address of each family`;
    return refusal('FamilyMismatch', message);
  }
  return { list };
}

export function familyName(family: Family): string {
  return `IPv${family}`;
}
