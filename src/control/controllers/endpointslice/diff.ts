// The fewest writes that turn the slices there are into slices that hold the endpoints there should be.
// Pure; upstream: reconcileByPortMapping in endpointslice/reconciler.go.
import type { Endpoint, EndpointPort, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { canonical } from '../common/canonical.ts';
import type { PortGroup } from './desired.ts';

/** As upstream's --max-endpoints-per-slice. */
export const MAX_ENDPOINTS = 100;

export interface SliceContent {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SlicePlan {
  readonly create: readonly SliceContent[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }[];
  readonly remove: readonly EndpointSlice[];
  readonly keep: readonly EndpointSlice[];
}

/**
 * Every watcher of slices receives each slice that is written, whole: so an endpoint stays in the slice it is in, new
 * ones fill slices that are written anyway, and a slice is not written only to make it fuller.
 */
export function planSlices(
  existing: readonly EndpointSlice[],
  groups: readonly PortGroup[],
  max = MAX_ENDPOINTS,
): SlicePlan {
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = portKey(slice.ports ?? []);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  const create: SliceContent[] = [];
  const update: { slice: EndpointSlice; endpoints: Endpoint[] }[] = [];
  const remove: EndpointSlice[] = [];
  const keep: EndpointSlice[] = [];
  for (const group of groups) {
    const key = portKey(group.ports);
    const plan = planGroup(byPorts.get(key) ?? [], group, max);
    byPorts.delete(key);
    create.push(...plan.create);
    update.push(...plan.update);
    remove.push(...plan.remove);
    keep.push(...plan.keep);
  }
  for (const slices of byPorts.values()) remove.push(...slices);
  return withPlaceholder({ create, update, remove, keep });
}

/** A Service without endpoints keeps one empty slice, so that its readers can tell "none" from "not known yet". */
function withPlaceholder(plan: SlicePlan): SlicePlan {
  if (plan.create.length + plan.update.length + plan.keep.length > 0) return plan;
  const placeholder = plan.remove.find((slice) => (slice.ports ?? []).length === 0) ?? plan.remove[0];
  if (placeholder === undefined) return { ...plan, create: [{ ports: [], endpoints: [] }] };
  const remove = plan.remove.filter((slice) => slice !== placeholder);
  if ((placeholder.endpoints ?? []).length === 0) return { ...plan, remove, keep: [placeholder] };
  return { ...plan, remove, update: [{ slice: placeholder, endpoints: [] }] };
}

interface Draft {
  readonly slice: EndpointSlice;
  readonly endpoints: Endpoint[];
  changed: boolean;
}

function planGroup(slices: readonly EndpointSlice[], group: PortGroup, max: number) {
  const wanted = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const drafts = slices.map((slice) => keepWanted(slice, wanted));
  const rest = [...wanted.values()];

  for (const draft of drafts) {
    if (draft.changed && draft.endpoints.length > 0) fill(draft, rest, max);
  }
  // What is left by then fits into one slice at most if a slice has room for all of it; otherwise new ones are made.
  if (rest.length > 0 && rest.length < max) {
    const roomy = drafts
      .filter((draft) => draft.endpoints.length + rest.length <= max)
      .sort((a, b) => b.endpoints.length - a.endpoints.length)[0];
    if (roomy !== undefined) fill(roomy, rest, max);
  }
  for (const draft of drafts) if (draft.endpoints.length === 0) fill(draft, rest, max);

  const create: SliceContent[] = [];
  while (rest.length > 0) create.push({ ports: group.ports, endpoints: rest.splice(0, max) });
  return {
    create,
    update: drafts.filter((draft) => draft.changed && draft.endpoints.length > 0),
    remove: drafts.filter((draft) => draft.endpoints.length === 0).map((draft) => draft.slice),
    keep: drafts.filter((draft) => !draft.changed && draft.endpoints.length > 0).map((draft) => draft.slice),
  };
}

/** The slice without what is no longer wanted and with what has changed; takes what it holds out of `wanted`. */
function keepWanted(slice: EndpointSlice, wanted: Map<string, Endpoint>): Draft {
  const draft: Draft = { slice, endpoints: [], changed: false };
  for (const endpoint of slice.endpoints ?? []) {
    const id = identity(endpoint);
    const next = wanted.get(id);
    if (next === undefined) {
      draft.changed = true;
      continue;
    }
    wanted.delete(id);
    draft.endpoints.push(next);
    if (canonical(next) !== canonical(endpoint)) draft.changed = true;
  }
  return draft;
}

function fill(draft: Draft, rest: Endpoint[], max: number): void {
  const taken = rest.splice(0, Math.max(0, max - draft.endpoints.length));
  if (taken.length === 0) return;
  draft.endpoints.push(...taken);
  draft.changed = true;
}

/** An endpoint is the same one while it is the same pod at the same address. */
export function identity(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? ''}|${endpoint.addresses.join(',')}`;
}

function portKey(ports: readonly EndpointPort[]): string {
  return canonical([...ports].sort((a, b) => compare(a.name, b.name) || compare(a.protocol, b.protocol)));
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b);
}
