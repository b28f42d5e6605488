// Whether a client belongs to a backend and to an endpoint already, by the affinity of their clusters.
// Asks the same code that requests ask, with a request that is never sent: nothing is drawn, and nobody is given a cookie.
import type { AffinityPolicy, WeightedCluster } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget, RouteEntry, Snapshot } from '#traffic/snapshot/index.ts';
import { cookieValues } from '../affinity/cookies.ts';
import { SessionAffinity } from '../affinity/session-affinity.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';

export interface Client {
  readonly head: RequestHead;
  readonly facts: ClientFacts;
}

/** The backend that the client stays with; undefined when the weights decide. */
export function ownBackend(entry: RouteEntry, snapshot: Snapshot, client: Client): WeightedCluster | undefined {
  const { action } = entry.route;
  if (action.type !== 'forward' || action.clusters.length < 2) return undefined;
  // The first backend with affinity decides, as it does for requests.
  const policies = action.clusters.flatMap(({ cluster }) => snapshot.cluster(cluster)?.config.affinity ?? []);
  if (!policies.some((policy) => knows(policy, client))) return undefined;
  // A draw would move the split on.
  const undrawn: RouteEntry = { ...entry, pickBackend: () => undefined };
  return new SessionAffinity().backend(undrawn, snapshot, client.head, client.facts);
}

/** The endpoint that the client stays with; undefined when the policy decides. */
export function ownEndpoint(entry: ClusterEntry, client: Client, now: number): EngineTarget | undefined {
  const policy = entry.config.affinity;
  if (policy === undefined || !knows(policy, client)) return undefined;
  const affinity = new SessionAffinity();
  affinity.begin(entry, client.head, client.facts);
  const pick = affinity.pick(entry, { clientAddress: client.facts.address, hashKey: '', now, tried: [] });
  return pick?.type === 'target' ? pick.target : undefined;
}

/** `cookie "shop"`, `header x-user`, `the address of the client`. */
export function describeAffinity(policy: AffinityPolicy): string {
  if (policy.type === 'cookie') return `cookie "${policy.name}" (${policy.mode})`;
  return policy.type === 'header' ? `header ${policy.name}` : 'the address of the client';
}

/** Without a cookie of its own a client is new, whatever it will be given. */
function knows(policy: AffinityPolicy, { head }: Client): boolean {
  return policy.type !== 'cookie' || cookieValues(head.header('cookie'), policy.name).length > 0;
}
