// Counts by domain: how many pods stand in each zone, on each host, or whatever a node label tells apart.
// Pure.

export class TopologyCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(key: string, value: string | undefined, by: number): void {
    if (value === undefined || by === 0) return;
    const values = this.#counts.get(key) ?? new Map<string, number>();
    this.#counts.set(key, values);
    const sum = (values.get(value) ?? 0) + by;
    if (sum === 0) values.delete(value);
    else values.set(value, sum);
  }

  of(key: string, value: string): number {
    return this.#counts.get(key)?.get(value) ?? 0;
  }

  get empty(): boolean {
    for (const values of this.#counts.values()) if (values.size > 0) return false;
    return true;
  }
}
