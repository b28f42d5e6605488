// One cluster over time: its balancers and targets live on, its entry is made anew when something changes.
// Knows nothing of routes or of other clusters; who may be chosen is decided in selection/.
import type { Balancer, Outcome, Picker } from '#traffic/balancer/balancer.ts';
import { createBalancer, policies } from '#traffic/balancer/index.ts';
import { LocalityPicker } from '#traffic/balancer/locality/picker.ts';
import type { BalancingPolicy, Cluster, Endpoint } from '#traffic/model/ir.ts';
import { allHealthy, type ClusterHealth } from './selection/health.ts';
import { selectEndpoints } from './selection/select.ts';
import { ClusterTargets, type CounterUses } from './targets.ts';
import type { CellDeps, ClusterEntry, EngineTarget, TargetLevel } from './types.ts';

/** One level of preference with the picker of its own. */
interface OpenLevel extends TargetLevel {
  readonly balancer: Balancer<EngineTarget>;
  readonly picker: Picker<EngineTarget>;
  readonly weights: readonly number[];
}

export class ClusterCell {
  readonly #deps: CellDeps;
  readonly #targets: ClusterTargets;
  /** By name of their level: a level that empties and fills again goes on where it was. */
  readonly #balancers = new Map<string, Balancer<EngineTarget>>();
  #config: Cluster;
  #endpoints: readonly Endpoint[] = [];
  #health: ClusterHealth = allHealthy;
  #levels: readonly OpenLevel[] = [];
  #usable: readonly EngineTarget[] = [];
  #picker: Picker<EngineTarget>;

  constructor(config: Cluster, uses: CounterUses, deps: CellDeps) {
    this.#deps = deps;
    this.#targets = new ClusterTargets(uses);
    this.#config = config;
    this.#picker = this.#balancer('any').update([]);
  }

  /** Holds from the next `update` on. */
  configure(config: Cluster): void {
    const samePolicy = policyKey(config.policy) === policyKey(this.#config.policy);
    this.#config = config;
    if (!samePolicy) this.#balancers.clear();
  }

  update(endpoints: readonly Endpoint[], health: ClusterHealth): void {
    this.#endpoints = endpoints;
    this.#health = health;
    this.#targets.update(endpoints);
    this.#select();
  }

  entry(): ClusterEntry {
    return Object.freeze({
      config: this.#config,
      picker: this.#picker,
      observe: this.#observe(),
      describe: (target: EngineTarget, now: number) => this.#describe(target, now),
      targets: this.#usable,
      levels: this.#levels,
      endpoints: this.#endpoints,
      health: this.#health,
    });
  }

  #select(): void {
    const selection = selectEndpoints(this.#config, this.#endpoints, this.#health, this.#deps.place);
    const before = this.#levels;
    const levels = selection.levels.map(({ name, load, panic, endpoints }): OpenLevel => {
      const known = before.find((level) => level.name === name);
      const balancer = this.#balancer(name);
      const targets = this.#targets.of(endpoints);
      const weights = targets.map((target) => target.weight);
      const same = known !== undefined && sameItems(targets, known.targets);
      // News of an endpoint that takes no requests, or of its zone, must not disturb the picker.
      if (!same || !sameItems(weights, known.weights) || known.balancer !== balancer) {
        const kept = same ? known.targets : targets;
        return { name, load, panic, targets: kept, weights, balancer, picker: balancer.update(kept) };
      }
      return known.load === load && known.panic === panic ? known : { ...known, load, panic };
    });
    if (sameItems(levels, before)) return;
    this.#levels = levels;
    const [only] = levels;
    if (levels.length === 1 && only !== undefined) {
      this.#picker = only.picker;
      this.#usable = only.targets;
    } else {
      this.#picker = new LocalityPicker(levels, isSticky(this.#config.policy), this.#deps.random);
      this.#usable = Object.freeze(levels.flatMap(({ targets }) => targets));
    }
  }

  #balancer(level: string): Balancer<EngineTarget> {
    const known = this.#balancers.get(level);
    if (known !== undefined) return known;
    const created = createBalancer<EngineTarget>(this.#config.policy, { random: this.#deps.random });
    this.#balancers.set(level, created);
    return created;
  }

  /** Each attempt is told to the balancer that picked it; where there is one only, without a look for it. */
  #observe(): ClusterEntry['observe'] {
    const levels = this.#levels;
    const first = levels[0]?.balancer;
    if (first?.observe === undefined) return undefined;
    if (levels.length === 1) return first.observe.bind(first);
    const owners = ownersOf(levels);
    return (target: EngineTarget, outcome: Outcome) => owners.get(target)?.observe?.(target, outcome);
  }

  #describe(target: EngineTarget, now: number): Readonly<Record<string, number>> {
    const owner = this.#levels.find(({ targets }) => targets.includes(target));
    return owner?.balancer.describe?.(target, now) ?? {};
  }
}

function ownersOf(levels: readonly OpenLevel[]): ReadonlyMap<EngineTarget, Balancer<EngineTarget>> {
  return new Map(levels.flatMap(({ targets, balancer }) => targets.map((target) => [target, balancer] as const)));
}

function policyKey(policy: BalancingPolicy): string {
  return JSON.stringify(policy);
}

function isSticky({ type }: BalancingPolicy): boolean {
  const known: Readonly<Record<string, { readonly promises: { readonly sticky: boolean } }>> = policies;
  return known[type]?.promises.sticky ?? false;
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, place) => item === b[place]);
}
