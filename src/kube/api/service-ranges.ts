// The kinds that say where addresses of Services come from and who has them, and the names that go with them.
// Data only. Upstream source: staging/src/k8s.io/api/networking/v1.
import type { KubeObject } from './object.ts';

export interface ServiceCidr extends KubeObject {
  readonly spec?: { readonly cidrs?: readonly string[] };
  readonly status?: { readonly conditions?: readonly ServiceCidrCondition[] };
}

export interface ServiceCidrCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface IpAddress extends KubeObject {
  readonly spec?: { readonly parentRef?: ParentReference };
}

export interface ParentReference {
  /** `''` or left out for the core group. */
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** The ServiceCIDR that says what the API server was started with. */
export const DEFAULT_SERVICE_CIDR = 'kubernetes';
/** Keeps a ServiceCIDR while addresses are of it and of no other. */
export const SERVICE_CIDR_FINALIZER = 'networking.k8s.io/service-cidr-finalizer';

const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by';
const ALLOCATOR = 'ipallocator.k8s.io';

/** Labels of an IPAddress that the API server keeps in step with a Service. */
export function allocatedLabels(address: string): Record<string, string> {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return { 'ipaddress.kubernetes.io/ip-family': family, [MANAGED_BY]: ALLOCATOR };
}

/** False for one that somebody else has made, to keep an address for himself. */
export function isAllocated({ metadata }: Pick<KubeObject, 'metadata'>): boolean {
  return metadata?.labels?.[MANAGED_BY] === ALLOCATOR;
}

/** Without a condition it is: nobody may be there to say so. */
export function isReadyRange({ metadata, status }: Pick<ServiceCidr, 'metadata' | 'status'>): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false;
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'False';
}
