// All active checks of the engine: one for each endpoint and way of asking, shared by the clusters that want it.
// Knows settings and endpoints; what a cluster makes of a result is decided elsewhere.

import type { Clock } from '#lib/clock.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import { endpointKey } from '#traffic/snapshot/index.ts';
import type { CheckResult, CheckTarget } from './check.ts';
import { type CheckDeps, EndpointCheck } from './endpoint-check.ts';
import { Lanes } from './lanes.ts';

export interface ActiveChecksDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** The health of an endpoint has turned for these clusters. */
  onTurn(key: string, clusters: Iterable<string>): void;
  onResult(type: CheckTarget['check']['type'], result: CheckResult): void;
}

/**
 * Checks under way at a time: ten thousand endpoints must not make ten thousand connections at once. Those that time
 * out hold a lane for all of it, so there are enough that the others are asked in time.
 */
const MAX_CONCURRENT = 256;

interface Shared {
  readonly check: EndpointCheck;
  readonly clusters: Set<string>;
}

export class ActiveChecks {
  readonly #deps: ActiveChecksDeps;
  readonly #checkDeps: CheckDeps;
  readonly #shared = new Map<string, Shared>();
  /** What each cluster shares, by endpoint key. */
  readonly #byCluster = new Map<string, ReadonlyMap<string, string>>();

  constructor(deps: ActiveChecksDeps) {
    this.#deps = deps;
    const { clock, random } = deps;
    const onResult: CheckDeps['onResult'] = (type, result) => deps.onResult(type, result);
    this.#checkDeps = { clock, random, lanes: new Lanes(MAX_CONCURRENT), onResult };
  }

  /** What a cluster wants checked from now on; nothing when it is gone or has no check. */
  configure(name: string, cluster: Cluster | undefined, endpoints: readonly Endpoint[]): void {
    const wanted = new Map<string, string>();
    const way = cluster?.healthCheck === undefined ? '' : wayOf(cluster);
    if (cluster?.healthCheck !== undefined) {
      for (const endpoint of endpoints) {
        const key = endpointKey(endpoint);
        const id = `${key} ${endpoint.pod} ${way}`;
        wanted.set(key, id);
        this.#share(id, key, name, targetOf(cluster, cluster.healthCheck, endpoint));
      }
    }
    const keep = new Set(wanted.values());
    for (const id of this.#byCluster.get(name)?.values() ?? []) if (!keep.has(id)) this.#leave(id, name);
    if (wanted.size === 0) this.#byCluster.delete(name);
    else this.#byCluster.set(name, wanted);
  }

  /** The check of an endpoint on behalf of a cluster. */
  of(cluster: string, key: string): EndpointCheck | undefined {
    const id = this.#byCluster.get(cluster)?.get(key);
    return id === undefined ? undefined : this.#shared.get(id)?.check;
  }

  close(): void {
    for (const { check } of this.#shared.values()) check.stop();
    this.#shared.clear();
    this.#byCluster.clear();
  }

  #share(id: string, key: string, cluster: string, target: CheckTarget): void {
    const known = this.#shared.get(id);
    if (known !== undefined) {
      known.clusters.add(cluster);
      return;
    }
    const clusters = new Set([cluster]);
    const check = new EndpointCheck(target, this.#checkDeps, () => this.#deps.onTurn(key, clusters));
    this.#shared.set(id, { check, clusters });
  }

  #leave(id: string, cluster: string): void {
    const shared = this.#shared.get(id);
    if (shared === undefined) return;
    shared.clusters.delete(cluster);
    if (shared.clusters.size > 0) return;
    shared.check.stop();
    this.#shared.delete(id);
  }
}

/** Equal for clusters that ask in the same way. */
function wayOf({ healthCheck, upstreamProtocol, tls }: Cluster): string {
  return JSON.stringify([healthCheck, upstreamProtocol === 'http2', tls?.fingerprint]);
}

function targetOf(cluster: Cluster, check: CheckTarget['check'], endpoint: Endpoint): CheckTarget {
  const { address, port } = endpoint;
  return {
    address,
    port: check.port ?? port,
    check,
    http2: cluster.upstreamProtocol === 'http2',
    tls: cluster.tls,
    proxyProtocol: cluster.proxyProtocol,
  };
}
