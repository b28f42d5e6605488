// From the EndpointSlices of one family to the endpoints of one port of their Service.
// Judges none of them: which may take traffic depends on the node that asks.
import type { ServicePort } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointConditions, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { canonicalIp } from '#lib/ip.ts';
import { weightOf } from '../endpoint-weight.ts';
import { numberOf } from '../service-endpoints.ts';
import type { L4Endpoint } from './service-port.ts';

/** As the API server has it since 1.34; the types that we use are older. */
interface Hints {
  readonly forZones?: readonly { readonly name: string }[];
  readonly forNodes?: readonly { readonly name: string }[];
}

export function l4Endpoints(port: ServicePort, slices: readonly EndpointSlice[]): readonly L4Endpoint[] {
  const found = new Map<string, L4Endpoint>();
  for (const slice of slices) {
    const number = numberOf(slice, port);
    if (number === undefined) continue;
    for (const source of slice.endpoints ?? []) {
      const endpoint = toEndpoint(source, number, weightOf(slice));
      if (endpoint === undefined) continue;
      const key = `${endpoint.address} ${endpoint.port}`;
      // While a pod moves between slices it may stand in both: the one that says it is ready is the newer.
      if (found.get(key)?.ready !== true) found.set(key, endpoint);
    }
  }
  return [...found.values()].sort(byAddress);
}

function toEndpoint(source: Endpoint, port: number, weight: number): L4Endpoint | undefined {
  // All addresses of an endpoint are the same one; upstream reads the first only.
  const address = canonicalIp(source.addresses[0] ?? '');
  if (address === undefined) return undefined;
  const conditions: EndpointConditions = source.conditions ?? {};
  const hints = (source.hints ?? {}) as Hints;
  return {
    address,
    port,
    weight,
    node: source.nodeName ?? '',
    // Conditions left out: upstream's reading of an old slice.
    ready: conditions.ready ?? true,
    serving: conditions.serving ?? true,
    terminating: conditions.terminating ?? false,
    hintedNodes: namesOf(hints.forNodes),
    hintedZones: namesOf(hints.forZones),
  };
}

/** One list for all that have none: a cluster has many endpoints. */
const NONE: readonly string[] = [];

function namesOf(hinted: readonly { readonly name: string }[] | undefined): readonly string[] {
  return hinted === undefined || hinted.length === 0 ? NONE : hinted.map(({ name }) => name);
}

function byAddress(a: L4Endpoint, b: L4Endpoint): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.port - b.port;
}
