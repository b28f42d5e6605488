// Clusters that are spoken to in another way than their Service says, each once and under a name that stays.
// Knows nothing of what a variant is for; one is there for as long as somebody uses it.
import { hash32 } from '#lib/hash.ts';
import type { Cluster, Endpoint, TrafficModel } from '../ir.ts';
import { overlay } from '../policy/changes.ts';
import type { ClusterVariant } from './backends.ts';

export class Variants {
  readonly #all = new Map<string, ClusterVariant>();
  readonly #byService = new Map<string, Map<string, ClusterVariant>>();
  readonly #users = new Map<string, number>();
  readonly #used = new Map<string, readonly string[]>();
  #changed = new Set<string>();

  get all(): ReadonlyMap<string, ClusterVariant> {
    return this.#all;
  }

  ofService(key: string): ReadonlyMap<string, ClusterVariant> {
    return this.#byService.get(key) ?? none;
  }

  /** What a user needs from now on, in place of what it needed before. */
  use(user: string, variants: ReadonlyMap<string, ClusterVariant>): void {
    const before = this.#used.get(user) ?? [];
    if (before.length === 0 && variants.size === 0) return;
    for (const [name, variant] of variants) {
      const users = this.#users.get(name) ?? 0;
      this.#users.set(name, users + 1);
      if (users === 0) this.#add(name, variant);
    }
    for (const name of before) {
      const left = (this.#users.get(name) ?? 1) - 1;
      if (left > 0) this.#users.set(name, left);
      else this.#remove(name);
    }
    if (variants.size === 0) this.#used.delete(user);
    else this.#used.set(user, [...variants.keys()]);
  }

  /** Keys of the Services whose variants are not what they were when it was asked last. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  #add(name: string, variant: ClusterVariant): void {
    const { serviceKey } = variant;
    this.#all.set(name, variant);
    const here = this.#byService.get(serviceKey);
    if (here === undefined) this.#byService.set(serviceKey, new Map([[name, variant]]));
    else here.set(name, variant);
    this.#changed.add(serviceKey);
  }

  #remove(name: string): void {
    const serviceKey = this.#all.get(name)?.serviceKey ?? '';
    this.#users.delete(name);
    this.#all.delete(name);
    const here = this.#byService.get(serviceKey);
    here?.delete(name);
    if (here?.size === 0) this.#byService.delete(serviceKey);
    this.#changed.add(serviceKey);
  }
}

const none: ReadonlyMap<string, ClusterVariant> = new Map();

/** Notes the variants that one user asks for. */
export class VariantNotes {
  readonly noted = new Map<string, ClusterVariant>();

  readonly nameOf = (variant: ClusterVariant): string => {
    const { base, changes } = variant;
    if (Object.keys(changes).length === 0) return base;
    const name = `${base}/${hash32(JSON.stringify(changes)).toString(16)}`;
    this.noted.set(name, variant);
    return name;
  };
}

/** The clusters with the endpoints of those that they are variants of; undefined where there are none. */
export function variantTables(
  variants: readonly (readonly [string, ClusterVariant])[],
  part: Pick<TrafficModel, 'clusters' | 'endpoints'> | undefined,
): Pick<TrafficModel, 'clusters' | 'endpoints'> | undefined {
  if (part === undefined || variants.length === 0) return undefined;
  const clusters = new Map<string, Cluster>();
  const endpoints = new Map<string, readonly Endpoint[]>();
  for (const [name, { base, changes }] of variants) {
    const cluster = part.clusters.get(base);
    if (cluster === undefined) continue;
    clusters.set(name, { ...overlay(cluster, changes), name });
    endpoints.set(name, part.endpoints.get(base) ?? []);
  }
  return { clusters, endpoints };
}
