// One cluster over time: its balancers and targets live on, its entry is made anew when something changes.
// Knows nothing of routes or of other clusters; who may be chosen is decided in selection/.
import type { Balancer, Chance, Outcome, Picker, PickInput } from '#traffic/balancer/balancer.ts';
import { createBalancer } from '#traffic/balancer/index.ts';
import { LocalityPicker } from '#traffic/balancer/locality/picker.ts';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import { balancingOf, type ClusterBalancing, isSticky } from './balancing.ts';
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
  #balancing: ClusterBalancing;
  #endpoints: readonly Endpoint[] = [];
  #health: ClusterHealth = allHealthy;
  #levels: readonly OpenLevel[] = [];
  #usable: readonly EngineTarget[] = [];
  #picker: Picker<EngineTarget>;

  constructor(config: Cluster, uses: CounterUses, deps: CellDeps) {
    this.#deps = deps;
    this.#targets = new ClusterTargets(uses);
    this.#config = config;
    this.#balancing = balancingOf(config);
    this.#picker = this.#balancer('any').update([]);
  }

  /** Its weights change with time: `refresh` has something to do. */
  get weighs(): boolean {
    return this.#balancing.weights !== undefined;
  }

  /** Holds from the next `update` on. */
  configure(config: Cluster): void {
    const balancing = balancingOf(config);
    this.#config = config;
    if (balancing.key === this.#balancing.key) return;
    this.#balancing = balancing;
    this.#balancers.clear();
  }

  update(endpoints: readonly Endpoint[], health: ClusterHealth): void {
    this.#endpoints = endpoints;
    this.#health = health;
    this.#targets.update(endpoints);
    const selection = selectEndpoints(this.#config, endpoints, health, this.#deps.place);
    const levels = selection.levels.map(({ name, load, panic, endpoints }) => {
      const known = this.#levels.find((level) => level.name === name);
      const targets = this.#targets.of(endpoints);
      return {
        name,
        load,
        panic,
        targets: known !== undefined && sameItems(targets, known.targets) ? known.targets : targets,
      };
    });
    const { weights } = this.#balancing;
    weights?.update(
      levels.flatMap(({ targets }) => targets),
      this.#deps.now(),
    );
    this.#open(levels);
  }

  /** Lets weights follow the time; false when nothing has moved on. */
  refresh(now: number): boolean {
    if (this.#balancing.weights?.refresh(now) !== true) return false;
    this.#open(this.#levels);
    return true;
  }

  entry(): ClusterEntry {
    const { weights } = this.#balancing;
    return Object.freeze({
      config: this.#config,
      picker: this.#picker,
      observe: this.#observe(),
      reportLoad: this.#config.loadReports === undefined ? undefined : weights?.reportHeader.bind(weights),
      describe: (target: EngineTarget, now: number) => this.#describe(target, now),
      preview: (input: PickInput) => this.#preview(input),
      targets: this.#usable,
      targetOf: (key: string) => this.#targets.find(key),
      levels: this.#levels,
      endpoints: this.#endpoints,
      health: this.#health,
    });
  }

  /** Makes pickers where targets, weights or policy have changed, and joins them. */
  #open(wanted: readonly TargetLevel[]): void {
    this.#targets.weigh(this.#balancing.weightOf);
    const before = this.#levels;
    const levels = wanted.map(({ name, load, panic, targets }): OpenLevel => {
      const known = before.find((level) => level.name === name);
      const balancer = this.#balancer(name);
      const weights = targets.map((target) => target.weight);
      // News of an endpoint that takes no requests, or of its zone, must not disturb the picker.
      const same = known?.balancer === balancer && known.targets === targets && sameItems(weights, known.weights);
      if (!same) return { name, load, panic, targets, weights, balancer, picker: balancer.update(targets) };
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
    const created = createBalancer<EngineTarget>(this.#balancing.policy, { random: this.#deps.random });
    this.#balancers.set(level, created);
    return created;
  }

  /** Each attempt is told to the balancer that picked it; where there is one only, without a look for it. */
  #observe(): ClusterEntry['observe'] {
    const levels = this.#levels;
    const first = levels[0]?.balancer;
    if (first?.observe === undefined) return undefined;
    if (levels.length === 1) return first.observe.bind(first);
    const owners = new Map(levels.flatMap(({ targets, balancer }) => targets.map((one) => [one, balancer] as const)));
    return (target: EngineTarget, outcome: Outcome) => owners.get(target)?.observe?.(target, outcome);
  }

  #describe(target: EngineTarget, now: number): Readonly<Record<string, number>> {
    const owner = this.#levels.find(({ targets }) => targets.includes(target));
    return { ...this.#balancing.weights?.describe(target, now), ...owner?.balancer.describe?.(target, now) };
  }

  #preview(input: PickInput): readonly Chance<EngineTarget>[] {
    const picker = this.#picker;
    const shares = picker instanceof LocalityPicker ? picker.chances(input) : [1];
    return this.#levels.flatMap(({ balancer }, level) =>
      balancer.preview(input).map(({ target, share }) => ({ target, share: share * (shares[level] ?? 0) })),
    );
  }
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, place) => item === b[place]);
}
