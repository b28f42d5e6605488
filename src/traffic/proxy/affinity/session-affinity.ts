// Keeps a client with its backend and its endpoint, as its cluster's affinity says, while that endpoint may be used.
// Knows nothing of connections; a cluster without affinity costs one comparison.

import { randomBytes } from 'node:crypto';
import type { Pick, PickInput } from '#traffic/balancer/balancer.ts';
import type { AffinityPolicy, WeightedCluster } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget, RouteEntry, Snapshot } from '#traffic/snapshot/index.ts';
import type { HeaderLines } from '../http/head-edits.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { type CookieAffinity, cookieValues, setCookieLine } from './cookies.ts';
import { endpointTags } from './endpoint-tags.ts';
import { backendOf, endpointOf } from './hashed-choice.ts';

/** One per client stream, begun anew with each request. */
export class SessionAffinity {
  /** Of the cluster that the request goes to. */
  #policy: AffinityPolicy | undefined;
  #head: RequestHead | undefined;
  #facts: ClientFacts | undefined;
  /** What is hashed; empty when the client has no such thing. */
  #key = '';
  /** An id that this client is given now. */
  #newId = '';

  /**
   * Where the request goes. Weights decide about clients that come for the first time; the others stay where they
   * are, as long as that backend has any weight.
   */
  backend(entry: RouteEntry, snapshot: Snapshot, head: RequestHead, facts: ClientFacts): WeightedCluster | undefined {
    this.#policy = undefined;
    this.#key = '';
    this.#newId = '';
    const { action, name } = entry.route;
    if (action.type !== 'forward' || action.clusters.length === 1) return entry.pickBackend();
    const open = action.clusters.filter(({ weight }) => weight > 0);
    for (const backend of open) {
      const cluster = snapshot.cluster(backend.cluster);
      const policy = cluster?.config.affinity;
      if (cluster === undefined || policy === undefined) continue;
      if (isPersistent(policy)) {
        const tags = endpointTags(cluster, policy);
        if (cookieValues(head.header('cookie'), policy.name).some((value) => tags.owns(value))) return backend;
      } else {
        const key = this.#keyOf(policy, head, facts);
        return key === '' ? entry.pickBackend() : backendOf(open, key, name);
      }
    }
    return entry.pickBackend();
  }

  /** The cluster is known. */
  begin(cluster: ClusterEntry, head: RequestHead, facts: ClientFacts): void {
    const policy = cluster.config.affinity;
    this.#policy = policy;
    if (policy === undefined) return;
    this.#head = head;
    this.#facts = facts;
    if (!isPersistent(policy)) this.#key = this.#keyOf(policy, head, facts);
  }

  /** The endpoint that the client belongs to; undefined leaves the choice to the cluster's policy. */
  pick(cluster: ClusterEntry, input: PickInput): Pick<EngineTarget> | undefined {
    const policy = this.#policy;
    if (policy === undefined) return undefined;
    if (!isPersistent(policy)) {
      return this.#key === '' ? undefined : endpointOf(cluster, { ...input, hashKey: this.#key });
    }
    const target = this.#named(cluster, policy);
    return target === undefined || input.tried.includes(target) ? undefined : { type: 'target', target };
  }

  /** Tells a client by its response where it belongs from now on, when that is news to it. */
  tell(head: HeaderLines, cluster: ClusterEntry, target: EngineTarget): void {
    const policy = this.#policy;
    if (policy?.type !== 'cookie') return;
    if (!isPersistent(policy)) {
      if (this.#newId !== '') head.added += setCookieLine(policy, this.#newId, this.#secure());
      return;
    }
    if (this.#named(cluster, policy) === target) return;
    head.added += setCookieLine(policy, endpointTags(cluster, policy).valueOf(target), this.#secure());
  }

  /** Whom the client's cookie names, if it may be used. */
  #named(cluster: ClusterEntry, policy: CookieAffinity): EngineTarget | undefined {
    const tags = endpointTags(cluster, policy);
    for (const value of cookieValues(this.#head?.header('cookie'), policy.name)) {
      const target = tags.owns(value) ? tags.find(cluster.targets, value) : undefined;
      if (target !== undefined) return target;
    }
    return undefined;
  }

  #keyOf(policy: AffinityPolicy, head: RequestHead, facts: ClientFacts): string {
    if (policy.type === 'source_ip') return facts.address;
    if (policy.type === 'header') return head.header(policy.name) ?? '';
    const known = cookieValues(head.header('cookie'), policy.name).find((value) => /^[\w-]{1,64}$/.test(value));
    if (known !== undefined) return known;
    if (this.#newId === '') this.#newId = randomBytes(12).toString('base64url');
    return this.#newId;
  }

  #secure(): boolean {
    return this.#facts?.protocol === 'https';
  }
}

function isPersistent(policy: AffinityPolicy): policy is CookieAffinity {
  return policy.type === 'cookie' && policy.mode === 'persistent';
}
