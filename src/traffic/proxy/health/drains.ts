// Endpoints that an operator, or a test, has asked to be given no new requests.
// Knows nothing of health; an endpoint that leaves its cluster is forgotten.

const none: ReadonlySet<string> = new Set();

export class Drains {
  readonly #byCluster = new Map<string, Set<string>>();

  of(cluster: string): ReadonlySet<string> {
    return this.#byCluster.get(cluster) ?? none;
  }

  set(cluster: string, key: string, drained: boolean): void {
    const keys = this.#byCluster.get(cluster) ?? new Set();
    if (drained) keys.add(key);
    else keys.delete(key);
    if (keys.size === 0) this.#byCluster.delete(cluster);
    else this.#byCluster.set(cluster, keys);
  }

  keepOnly(cluster: string, present: ReadonlySet<string>): void {
    for (const key of this.of(cluster)) if (!present.has(key)) this.set(cluster, key, false);
  }
}
