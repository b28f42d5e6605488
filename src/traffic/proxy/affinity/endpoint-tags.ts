// Names for clusters and endpoints that a client may see: keyed hashes, the same in every worker and every gateway.
// Keeps no list of clients: a name is looked up among the endpoints that there are.

import { createHmac } from 'node:crypto';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import type { CookieAffinity } from './cookies.ts';

/** Without a key of its own a cluster's tags can be computed by anybody who knows what they stand for. */
const PUBLIC_KEY = 'evenkeel';

export class EndpointTags {
  /** Of the cluster; first part of a cookie's value. */
  readonly cluster: string;
  readonly #key: string;
  readonly #name: string;
  readonly #tags = new WeakMap<EngineTarget, string>();
  /** Targets by tag, for each list of targets while it is in force. */
  readonly #tables = new WeakMap<readonly EngineTarget[], ReadonlyMap<string, EngineTarget>>();

  constructor(policy: CookieAffinity, clusterName: string) {
    this.#key = policy.key?.value ?? PUBLIC_KEY;
    this.#name = clusterName;
    this.cluster = this.#hash(clusterName, 6);
  }

  /** The value of a cookie that stands for `target`. */
  valueOf(target: EngineTarget): string {
    let tag = this.#tags.get(target);
    if (tag === undefined) {
      tag = `${this.cluster}.${this.#hash(`${this.#name}\0${target.key}`, 16)}`;
      this.#tags.set(target, tag);
    }
    return tag;
  }

  /** The value names this cluster, whatever has become of the endpoint. */
  owns(value: string): boolean {
    return value.startsWith(`${this.cluster}.`);
  }

  /** Who `value` stands for, if it may take requests. */
  find(targets: readonly EngineTarget[], value: string): EngineTarget | undefined {
    let table = this.#tables.get(targets);
    if (table === undefined) {
      table = new Map(targets.map((target) => [this.valueOf(target), target]));
      this.#tables.set(targets, table);
    }
    return table.get(value);
  }

  #hash(text: string, characters: number): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, characters);
  }
}

const tagsOf = new WeakMap<CookieAffinity, Map<string, EndpointTags>>();

/** The tags of a cluster, made once for its settings. */
export function endpointTags({ config }: ClusterEntry, policy: CookieAffinity): EndpointTags {
  let byName = tagsOf.get(policy);
  if (byName === undefined) {
    byName = new Map();
    tagsOf.set(policy, byName);
  }
  let tags = byName.get(config.name);
  if (tags === undefined) {
    tags = new EndpointTags(policy, config.name);
    byName.set(config.name, tags);
  }
  return tags;
}
