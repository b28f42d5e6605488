// The one order in which filters act on a request, whatever their order in a manifest, with the reason for each place.
// Knows what filters are called, not what they do: the engine and `explain` both read it here.

import type { RouteFilter } from './ir-route.ts';

type Kind = RouteFilter['type'];

/** A request passes from top to bottom, its response from bottom to top. */
const order: readonly Kind[] = [
  // Answers preflights before anything could refuse, wait for or change them; on the way back it comes last, so that
  // its headers stand on every answer a browser has to read, refusals of the filters below included.
  'cors',
  // Before a byte is kept: what is too long must not fill memory first.
  'body_limit',
  // Before a whole body is waited for: who may not pass costs no more than what the service wants to see. Above the
  // edits: the service judges what the client asked for, and routes may still change what it says.
  'external_auth',
  // Before anything acts on a request that may never come whole.
  'buffer_request',
  // Before the header edits, which thereby have the last word on `Host`.
  'rewrite',
  'request_headers',
  // Copies what the backend will get, edits included.
  'mirror',
  // Above the response edits: it decides by the headers that the client will see.
  'compression',
  'response_headers',
  // Next to the backend: what comes above knows the whole length, and a backend that breaks off does so unheard.
  'buffer_response',
];

const place = new Map<Kind, number>(order.map((kind, at) => [kind, at]));

/** Kinds of which the last one counts, so that a backend's own stands in for its route's. */
const single: ReadonlySet<Kind> = new Set<Kind>([
  'cors',
  'body_limit',
  'buffer_request',
  'buffer_response',
  'compression',
]);

/** The filters of a route and then of its backend, in the order in which a request meets them. */
export function inOrder(
  route: readonly RouteFilter[] = [],
  backend: readonly RouteFilter[] = [],
): readonly RouteFilter[] {
  const all = [...route, ...backend];
  const last = new Map<Kind, RouteFilter>(all.map((filter) => [filter.type, filter]));
  return all
    .filter((filter) => !single.has(filter.type) || last.get(filter.type) === filter)
    .sort((a, b) => (place.get(a.type) ?? 0) - (place.get(b.type) ?? 0));
}
