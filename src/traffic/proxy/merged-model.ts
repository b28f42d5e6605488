// The whole traffic model as published so far: what a worker that starts late, or again, is given.
// Knows nothing of workers; merges updates and shows the result without its secrets.

import type { Cluster, Endpoint, TrafficModel, TrafficUpdate } from '#traffic/model/ir.ts';

const parts = ['listeners', 'certificates', 'virtualHosts', 'clusters', 'endpoints', 'services', 'clients'] as const;

export class MergedModel {
  version = 0;
  readonly #maps: { [part in (typeof parts)[number]]: Map<string, unknown> } = {
    listeners: new Map(),
    certificates: new Map(),
    virtualHosts: new Map(),
    clusters: new Map(),
    endpoints: new Map(),
    services: new Map(),
    clients: new Map(),
  };

  apply(update: TrafficUpdate): void {
    this.version = update.version;
    for (const part of parts) {
      for (const [name, value] of update[part] ?? []) {
        if (value === undefined) this.#maps[part].delete(name);
        else this.#maps[part].set(name, value);
      }
    }
  }

  /** Everything, as one update onto nothing. */
  full(): TrafficUpdate {
    return { version: this.version, ...this.model() };
  }

  model(): TrafficModel {
    return this.#maps as unknown as TrafficModel;
  }

  cluster(name: string): Cluster | undefined {
    return this.#maps.clusters.get(name) as Cluster | undefined;
  }

  /** Endpoints of one cluster as last published. */
  endpointsOf(cluster: string): readonly Endpoint[] {
    return (this.#maps.endpoints.get(cluster) as readonly Endpoint[] | undefined) ?? [];
  }

  /** Plain data for a dump; every private text shows as `[redacted]`. */
  dump(): unknown {
    const shown: Record<string, unknown> = { version: this.version };
    for (const part of parts) shown[part] = Object.fromEntries([...this.#maps[part]].map(([k, v]) => [k, redact(v)]));
    return shown;
  }
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  if ('private' in value && value.private === true) return '[redacted]';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(inner)]));
}
