// One cluster over time: its balancer and targets live on, its entry is made anew when something changes.
// Knows nothing of routes or of other clusters.
import type { Balancer, Picker, Random } from '#traffic/balancer/balancer.ts';
import { createBalancer } from '#traffic/balancer/index.ts';
import type { BalancingPolicy, Cluster, Endpoint } from '#traffic/model/ir.ts';
import { ClusterTargets, type CounterUses } from './targets.ts';
import type { ClusterEntry, EngineTarget } from './types.ts';
import { usableEndpoints } from './usable-endpoints.ts';

export class ClusterCell {
  readonly #random: Random;
  readonly #targets: ClusterTargets;
  #config: Cluster;
  #balancer: Balancer<EngineTarget>;
  #usable: readonly EngineTarget[] = [];
  #weights: readonly number[] = [];
  #picker: Picker<EngineTarget>;
  #endpoints: readonly Endpoint[] = [];

  constructor(config: Cluster, uses: CounterUses, random: Random) {
    this.#random = random;
    this.#targets = new ClusterTargets(uses);
    this.#config = config;
    this.#balancer = createBalancer(config.policy, { random });
    this.#picker = this.#balancer.update([]);
  }

  configure(config: Cluster): void {
    const samePolicy = policyKey(config.policy) === policyKey(this.#config.policy);
    this.#config = config;
    if (samePolicy) return;
    this.#balancer = createBalancer(config.policy, { random: this.#random });
    this.#picker = this.#balancer.update(this.#usable);
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#targets.update(endpoints);
    const usable = this.#targets.of(usableEndpoints(endpoints));
    const weights = usable.map((target) => target.weight);
    // News of an endpoint that takes no requests, or of its zone, must not disturb the picker.
    if (sameItems(usable, this.#usable) && sameItems(weights, this.#weights)) return;
    this.#usable = usable;
    this.#weights = weights;
    this.#picker = this.#balancer.update(usable);
  }

  entry(): ClusterEntry {
    return Object.freeze({
      config: this.#config,
      picker: this.#picker,
      observe: this.#balancer.observe?.bind(this.#balancer),
      targets: this.#usable,
      endpoints: this.#endpoints,
    });
  }
}

function policyKey(policy: BalancingPolicy): string {
  return JSON.stringify(policy);
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, place) => item === b[place]);
}
