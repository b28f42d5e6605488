// What single routes of Services became when they were translated last, for as long as all that they have read is the same.
// Objects are told apart by identity: whoever hands them in never changes one. Knows no rule.
import type { ConfigMap, Service } from 'kubernetes-types/core/v1.js';
import type { AnyRoute } from '#kube/api/gateway/types.ts';
import type { ClusterVariant } from '../gateway/backends.ts';
import type { MeshObjects } from './objects.ts';

/** What a translation has read of objects with a name. */
type Reads<T> = ReadonlyMap<string, T | undefined>;

/** What came out of one route, and what it needs of clusters. */
export interface Remembered<T> {
  readonly made: T;
  readonly services: Reads<Service>;
  readonly variants: ReadonlyMap<string, ClusterVariant>;
}

export class MeshMemory<T> {
  #routes = new WeakMap<AnyRoute, Remembered<T>>();
  #policies: MeshObjects['policies'];
  #tlsPolicies: MeshObjects['tlsPolicies'] = [];
  #configMaps: Reads<ConfigMap> = new Map();

  /** Forgets everything when policies, or the authorities that they have read, are others than before. */
  begin({ policies, tlsPolicies }: MeshObjects, configMaps: Reads<ConfigMap>): void {
    const before = this.#tlsPolicies;
    const same =
      policies === this.#policies &&
      tlsPolicies.length === before.length &&
      tlsPolicies.every((policy, at) => policy === before[at]) &&
      configMaps.size === this.#configMaps.size &&
      [...configMaps].every(([key, map]) => this.#configMaps.get(key) === map);
    if (!same) this.#routes = new WeakMap();
    this.#policies = policies;
    this.#tlsPolicies = tlsPolicies;
    this.#configMaps = configMaps;
  }

  /** As it was made last, or made now. */
  of(route: AnyRoute, find: (key: string) => Service | undefined, make: () => Remembered<T>): Remembered<T> {
    const known = this.#routes.get(route);
    if (known !== undefined && [...known.services].every(([key, service]) => find(key) === service)) return known;
    const made = make();
    this.#routes.set(route, made);
    return made;
  }
}
