// How an endpoint fares, in one word and in a sentence, for people.
// Pure; knows nothing of how it came to be known.

import type { Ejection } from '#traffic/balancer/outlier/ejection.ts';
import type { Endpoint } from '#traffic/model/ir.ts';
import type { EndpointHealth } from '#traffic/snapshot/index.ts';
import type { EndpointCheck, LastCheck } from './checks/endpoint-check.ts';

export type EndpointState = 'healthy' | EndpointHealth | 'not_ready' | 'leaving';

export interface EndpointView {
  readonly state: EndpointState;
  /** Why, where the state alone does not say; empty otherwise. */
  readonly reason: string;
  /** While ejected. */
  readonly ejection?: { readonly cause: string; readonly times: number; readonly remainingMs: number };
  /** Of the last active check. */
  readonly check?: LastCheck;
}

/** Readiness first: Kubernetes' word stands above the engine's. */
export function stateOf(endpoint: Endpoint, against: EndpointHealth | undefined): EndpointState {
  if (endpoint.terminating) return 'leaving';
  if (!endpoint.ready) return 'not_ready';
  return against ?? 'healthy';
}

export function viewOf(
  state: EndpointState,
  check: EndpointCheck | undefined,
  ejection: Ejection | undefined,
  now: number,
): EndpointView {
  const last = check?.last;
  return {
    state,
    reason: reasonOf(state, last, ejection, now),
    ...(last === undefined ? {} : { check: last }),
    ...(ejection === undefined
      ? {}
      : { ejection: { cause: ejection.cause, times: ejection.times, remainingMs: remaining(ejection, now) } }),
  };
}

function reasonOf(
  state: EndpointState,
  last: LastCheck | undefined,
  ejection: Ejection | undefined,
  now: number,
): string {
  if (state === 'ejected' && ejection !== undefined) {
    const seconds = Math.ceil(remaining(ejection, now) / 1000);
    return `${ejection.cause.replaceAll('_', ' ')}, for ${seconds} s more, ${nth(ejection.times)} in a row`;
  }
  if (state === 'unhealthy') return last?.detail ?? '';
  if (state === 'pending') return last === undefined ? 'No check has ended yet' : `No good check yet: ${last.detail}`;
  return '';
}

function remaining(ejection: Ejection, now: number): number {
  return Math.max(0, Math.round(ejection.until - now));
}

function nth(times: number): string {
  const suffix = times === 1 ? 'st' : times === 2 ? 'nd' : times === 3 ? 'rd' : 'th';
  return `${times}${suffix}`;
}
