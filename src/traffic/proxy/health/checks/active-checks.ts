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
  readonly id: string;
  readonly check: EndpointCheck;
  readonly clusters: Set<string>;
}

/** What a cluster has checked: how, and for each endpoint which pod it was and the check that it shares. */
interface Wanted {
  readonly way: string;
  readonly checks: ReadonlyMap<string, { readonly pod: string; readonly shared: Shared }>;
}

export class ActiveChecks {
  readonly #deps: ActiveChecksDeps;
  readonly #checkDeps: CheckDeps;
  readonly #shared = new Map<string, Shared>();
  readonly #byCluster = new Map<string, Wanted>();

  constructor(deps: ActiveChecksDeps) {
    this.#deps = deps;
    const { clock, random } = deps;
    const onResult: CheckDeps['onResult'] = (type, result) => deps.onResult(type, result);
    this.#checkDeps = { clock, random, lanes: new Lanes(MAX_CONCURRENT), onResult };
  }

  /** What a cluster wants checked from now on; nothing when it is gone or has no check. */
  configure(name: string, cluster: Cluster | undefined, endpoints: readonly Endpoint[]): void {
    const before = this.#byCluster.get(name);
    const check = cluster?.healthCheck;
    const checks = new Map<string, { pod: string; shared: Shared }>();
    const way = cluster === undefined || check === undefined ? '' : wayOf(cluster);
    if (cluster !== undefined && check !== undefined) {
      for (const endpoint of endpoints) {
        const key = endpointKey(endpoint);
        // Of two with the same address and port the first counts, as in the tables.
        if (checks.has(key)) continue;
        const known = before?.way === way ? before.checks.get(key) : undefined;
        if (known?.pod === endpoint.pod) checks.set(key, known);
        else {
          const id = `${key} ${endpoint.pod} ${way}`;
          checks.set(key, {
            pod: endpoint.pod,
            shared: this.#share(id, key, name, targetOf(cluster, check, endpoint)),
          });
        }
      }
    }
    for (const [key, { shared }] of before?.checks ?? []) {
      if (checks.get(key)?.shared !== shared) this.#leave(shared, name);
    }
    if (checks.size === 0) this.#byCluster.delete(name);
    else this.#byCluster.set(name, { way, checks });
  }

  /** The check of an endpoint on behalf of a cluster. */
  of(cluster: string, key: string): EndpointCheck | undefined {
    return this.#byCluster.get(cluster)?.checks.get(key)?.shared.check;
  }

  /** The endpoints of a cluster that must not be used as they are, by what their checks say. */
  *unfit(cluster: string): Iterable<readonly [string, 'pending' | 'unhealthy']> {
    for (const [key, { shared }] of this.#byCluster.get(cluster)?.checks ?? []) {
      const { health } = shared.check;
      if (health !== 'healthy') yield [key, health];
    }
  }

  close(): void {
    for (const { check } of this.#shared.values()) check.stop();
    this.#shared.clear();
    this.#byCluster.clear();
  }

  #share(id: string, key: string, cluster: string, target: CheckTarget): Shared {
    const known = this.#shared.get(id);
    if (known !== undefined) {
      known.clusters.add(cluster);
      return known;
    }
    const clusters = new Set([cluster]);
    const check = new EndpointCheck(target, this.#checkDeps, () => this.#deps.onTurn(key, clusters));
    const shared = { id, check, clusters };
    this.#shared.set(id, shared);
    return shared;
  }

  #leave(shared: Shared, cluster: string): void {
    shared.clusters.delete(cluster);
    if (shared.clusters.size > 0) return;
    shared.check.stop();
    this.#shared.delete(shared.id);
  }
}

/** Equal for clusters that ask in the same way. */
function wayOf({ healthCheck, upstreamProtocol, tls, proxyProtocol }: Cluster): string {
  return JSON.stringify([healthCheck, upstreamProtocol === 'http2', tls?.fingerprint, proxyProtocol]);
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
