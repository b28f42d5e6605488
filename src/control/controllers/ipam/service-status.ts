// What stands in the status of a Service whose addresses are ours, and the patch that brings it there.
// Pure; knows no queue and no client.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { Address } from '#lib/address-range.ts';
import { formatAddress, parseAddress } from '#lib/address-range.ts';
import { ALLOCATED_FROM, annotationOf } from '#traffic/model/pools/annotations.ts';
import type { Condition } from '../common/conditions.ts';
import { findCondition } from '../common/conditions.ts';
import type { Outcome } from './allocator.ts';

export const ASSIGNED = 'evenkeel.dev/AddressAssigned';

/** Addresses that stand in the status. */
export function addressesIn({ status }: Service): Address[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }) => parseAddress(ip) ?? []);
}

/**
 * Whether another controller has given the Service what it has: nobody of us noted a pool on it, and no pool of ours
 * holds its addresses.
 */
export function isAnothers(service: Service, isPooled: (address: Address) => boolean): boolean {
  const { metadata = {}, spec = {}, status } = service;
  if ((spec.loadBalancerClass ?? '') !== '' || (status?.loadBalancer?.ingress ?? []).length === 0) return false;
  if (annotationOf(metadata, 'ip-allocated-from-pool') !== undefined) return false;
  return !addressesIn(service).some(isPooled);
}

/** The patch for the status subresource; undefined when all of it stands there. */
export function patchFor(service: Service & KubeObject, outcome: Outcome, now: string): object | undefined {
  const { metadata = {}, status = {} } = service;
  const ingress = outcome.addresses.map(({ address }) => ({ ip: formatAddress(address), ipMode: 'VIP' }));
  const before = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname, ipMode = 'VIP' }) => ({
    ip,
    ipMode,
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
  }));
  const noted = poolsNoted(outcome, metadata.annotations?.[ALLOCATED_FROM]);
  const condition = conditionOf(outcome);
  const current = findCondition(status.conditions as Condition[] | undefined, ASSIGNED);
  const same =
    JSON.stringify(ingress) === JSON.stringify(before) &&
    metadata.annotations?.[ALLOCATED_FROM] === noted &&
    current?.status === condition.status &&
    current.reason === condition.reason &&
    current.message === condition.message;
  if (same) return undefined;
  const lastTransitionTime = current?.status === condition.status ? (current.lastTransitionTime ?? now) : now;
  return {
    metadata: { ...versionOf(service), annotations: { [ALLOCATED_FROM]: noted ?? null } },
    status: {
      loadBalancer: { ingress: ingress.length === 0 ? null : ingress },
      conditions: [{ ...condition, lastTransitionTime }],
    },
  };
}

/** The patch that removes what is ours from a Service that is ours no more; undefined when there is nothing. */
export function clearingPatch(service: Service & KubeObject): object | undefined {
  const { metadata = {}, status = {} } = service;
  const noted = metadata.annotations?.[ALLOCATED_FROM] !== undefined;
  const told = findCondition(status.conditions as Condition[] | undefined, ASSIGNED) !== undefined;
  if (!noted && !told) return undefined;
  return {
    metadata: { ...versionOf(service), annotations: { [ALLOCATED_FROM]: null } },
    status: {
      ...(noted ? { loadBalancer: { ingress: null } } : {}),
      ...(told ? { conditions: [{ $patch: 'delete', type: ASSIGNED }] } : {}),
    },
  };
}

/** A write that meets another version fails, and is made again for that one. */
function versionOf({ metadata = {} }: KubeObject): { uid?: string; resourceVersion?: string } {
  const { uid, resourceVersion } = metadata;
  return { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}

/** Names of the pools; of a stale address the one that stands there from before, by which it is still announced. */
function poolsNoted({ addresses }: Outcome, before: string | undefined): string | undefined {
  if (addresses.length === 0) return undefined;
  if (addresses.some(({ pool }) => pool === undefined)) return before ?? '';
  return [...new Set(addresses.map(({ pool }) => pool?.name ?? ''))].join(',');
}

function conditionOf({ addresses, refusal }: Outcome): Condition {
  const status = addresses.length > 0 ? 'True' : 'False';
  if (refusal !== undefined) return { type: ASSIGNED, status, reason: refusal.reason, message: refusal.message };
  const parts = addresses.map(({ address, pool }) => `${formatAddress(address)} of pool "${pool?.name}"`);
  return { type: ASSIGNED, status, reason: 'Assigned', message: parts.join(', ') };
}
