// Virtual hosts on their way to a worker: of one that it knows, only the routes that it does not have.
// Pure; both sides hold the same version before, for a worker takes in one update after the other.

import { jsonEqual } from '#lib/json.ts';
import type { Route, TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';

export interface SentHost {
  readonly host: Omit<VirtualHost, 'routes'>;
  /** So many routes at the beginning, and at the end, stay as they were. */
  readonly first: number;
  readonly last: number;
  /** What stands between them now. */
  readonly routes: readonly Route[];
}

export interface SentUpdate extends Omit<TrafficUpdate, 'virtualHosts'> {
  readonly hosts?: ReadonlyMap<string, SentHost | undefined>;
}

type Hosts = ReadonlyMap<string, VirtualHost>;

export function pack({ virtualHosts, ...rest }: TrafficUpdate, before: Hosts): SentUpdate {
  if (virtualHosts === undefined) return rest;
  const hosts = new Map<string, SentHost | undefined>();
  for (const [name, host] of virtualHosts) hosts.set(name, host && packHost(host, before.get(name)?.routes ?? []));
  return { ...rest, hosts };
}

export function unpack({ hosts, ...rest }: SentUpdate, before: Hosts): TrafficUpdate {
  if (hosts === undefined) return rest;
  const virtualHosts = new Map<string, VirtualHost | undefined>();
  for (const [name, sent] of hosts) virtualHosts.set(name, sent && unpackHost(sent, before.get(name)?.routes ?? []));
  return { ...rest, virtualHosts };
}

function packHost({ routes, ...host }: VirtualHost, before: readonly Route[]): SentHost {
  const shorter = Math.min(routes.length, before.length);
  let first = 0;
  while (first < shorter && jsonEqual(before[first], routes[first])) first++;
  let last = 0;
  while (last < shorter - first && jsonEqual(before.at(-1 - last), routes.at(-1 - last))) last++;
  return { host, first, last, routes: routes.slice(first, routes.length - last) };
}

function unpackHost({ host, first, last, routes }: SentHost, before: readonly Route[]): VirtualHost {
  return { ...host, routes: [...before.slice(0, first), ...routes, ...before.slice(before.length - last)] };
}
