// The targets of one cluster: one object per address and port, kept while its pod stays, with its shared counters.
// Knows nothing of policies; which targets may be used is decided elsewhere.
import type { Endpoint } from '#traffic/model/ir.ts';
import { endpointKey } from './selection/endpoint-key.ts';
import type { EndpointCounters, EngineTarget } from './types.ts';

class TargetCell implements EngineTarget {
  readonly index: number;
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly #counters: EndpointCounters;
  endpoint: Endpoint;
  /** Set by `weigh`; nothing else changes it. */
  weight: number;

  constructor(key: string, endpoint: Endpoint, counters: EndpointCounters) {
    this.index = counters.slot(key);
    this.key = key;
    this.address = endpoint.address;
    this.port = endpoint.port;
    this.endpoint = endpoint;
    this.weight = endpoint.weight;
    this.#counters = counters;
  }

  inFlight(): number {
    return this.#counters.inFlight(this.index);
  }
}

/** Counts the clusters that hold an endpoint, and releases its counters with the last of them. */
export class CounterUses {
  readonly counters: EndpointCounters;
  readonly #uses = new Map<string, number>();

  constructor(counters: EndpointCounters) {
    this.counters = counters;
  }

  take(key: string): void {
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
  }

  drop(key: string): void {
    const left = (this.#uses.get(key) ?? 0) - 1;
    if (left > 0) {
      this.#uses.set(key, left);
    } else {
      this.#uses.delete(key);
      this.counters.release(key);
    }
  }
}

export class ClusterTargets {
  readonly #uses: CounterUses;
  #cells = new Map<string, TargetCell>();

  constructor(uses: CounterUses) {
    this.#uses = uses;
  }

  /** Takes the endpoints in; of two with the same address and port the first counts. */
  update(endpoints: readonly Endpoint[]): void {
    const before = this.#cells;
    const after = new Map<string, TargetCell>();
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      if (after.has(key)) continue;
      const cell = before.get(key);
      if (cell === undefined) this.#uses.take(key);
      // Another pod that got the address is a stranger: it warms up, and nobody holds its predecessor's answers against it.
      if (cell === undefined || cell.endpoint.pod !== endpoint.pod) {
        after.set(key, new TargetCell(key, endpoint, this.#uses.counters));
      } else {
        cell.endpoint = endpoint;
        after.set(key, cell);
      }
    }
    this.#cells = after;
    for (const key of before.keys()) if (!after.has(key)) this.#uses.drop(key);
  }

  /** Gives every target its weight: what `weightOf` makes of it. */
  weigh(weightOf: (target: EngineTarget) => number): void {
    for (const cell of this.#cells.values()) cell.weight = weightOf(cell);
  }

  find(key: string): EngineTarget | undefined {
    return this.#cells.get(key);
  }

  /** The targets of these endpoints, each once, in their order. */
  of(endpoints: readonly Endpoint[]): readonly EngineTarget[] {
    const found = new Set<EngineTarget>();
    for (const endpoint of endpoints) {
      const cell = this.#cells.get(endpointKey(endpoint));
      if (cell !== undefined) found.add(cell);
    }
    return Object.freeze([...found]);
  }
}
