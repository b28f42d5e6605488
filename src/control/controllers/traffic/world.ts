// The traffic model as it grows from object changes: only what a change can touch is translated again.
// Reads objects through the lookups it is given; knows no informer, no clock and no sink.
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import { diffTraffic } from '#traffic/model/diff.ts';
import type { TrafficModel, TrafficUpdate } from '#traffic/model/ir.ts';
import type { Problem } from '#traffic/model/problem.ts';
import type { ServicePart } from '#traffic/model/service.ts';
import {
  type IngressPart,
  type TranslateOptions,
  translateIngresses,
  translateServiceSafely,
} from '#traffic/model/translate.ts';

/** The objects as they are now. */
export interface TrafficSource {
  service(key: string): Service | undefined;
  slicesOf(serviceKey: string): readonly EndpointSlice[];
  ingresses(): readonly Ingress[];
  ingressClasses(): readonly IngressClass[];
  secret(key: string): Secret | undefined;
}

export type Changes = Omit<TrafficUpdate, 'version'>;

const nothing: IngressPart = {
  virtualHosts: new Map(),
  certificates: new Map(),
  owned: [],
  secrets: new Set(),
  problems: [],
};

export class TrafficWorld {
  readonly #source: TrafficSource;
  readonly #options: TranslateOptions;
  readonly #services = new Map<string, ServicePart>();
  readonly #dirtyServices = new Set<string>();
  #ingresses = nothing;
  #ingressesDirty = true;

  constructor(source: TrafficSource, options: TranslateOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Keys of the Ingresses that are ours. */
  get owned(): readonly string[] {
    return this.#ingresses.owned;
  }

  /** The Service, or one of its slices, is not what it was. */
  touchService(key: string): void {
    this.#dirtyServices.add(key);
  }

  /** Something that routes or certificates depend on is not what it was. */
  touchIngresses(): void {
    this.#ingressesDirty = true;
  }

  /** True when a Secret of this key would change a certificate. */
  needsSecret(key: string): boolean {
    return this.#ingresses.secrets.has(key);
  }

  /** Translates what was touched and says what that changed; undefined when nothing did. */
  refresh(): Changes | undefined {
    const all: (Changes | undefined)[] = [];
    for (const key of this.#dirtyServices) all.push(this.#refreshService(key));
    this.#dirtyServices.clear();
    if (this.#ingressesDirty) {
      this.#ingressesDirty = false;
      all.push(this.#refreshIngresses());
    }
    return merge(all.filter((changes) => changes !== undefined));
  }

  /** What is wrong now, over all objects. */
  problems(): Problem[] {
    return [...this.#services.values()].flatMap(({ problems }) => problems).concat(this.#ingresses.problems);
  }

  #refreshService(key: string): Changes | undefined {
    const service = this.#source.service(key);
    const before = this.#services.get(key);
    if (service === undefined) {
      this.#services.delete(key);
      return diffTraffic(tablesOf(before), {});
    }
    const after = translateServiceSafely(service, this.#source.slicesOf(key));
    this.#services.set(key, after);
    return diffTraffic(tablesOf(before), tablesOf(after));
  }

  #refreshIngresses(): Changes | undefined {
    const { virtualHosts, certificates } = this.#ingresses;
    const source = this.#source;
    this.#ingresses = translateIngresses(
      {
        ingresses: source.ingresses(),
        ingressClasses: source.ingressClasses(),
        service: (key) => source.service(key),
        secret: (key) => source.secret(key),
      },
      this.#options,
    );
    const after = this.#ingresses;
    return diffTraffic(
      { virtualHosts, certificates },
      { virtualHosts: after.virtualHosts, certificates: after.certificates },
    );
  }
}

function tablesOf(part: ServicePart | undefined): Partial<TrafficModel> {
  if (part === undefined) return {};
  const { clusters, endpoints, services } = part;
  return { clusters, endpoints, services };
}

/** Parts share no name, so their changes only stand side by side. */
function merge(all: readonly Changes[]): Changes | undefined {
  const [first, ...rest] = all;
  if (rest.length === 0) return first;
  const merged = new Map<string, Map<string, unknown>>();
  for (const changes of all) {
    for (const [table, entries] of Object.entries(changes)) {
      const into = merged.get(table) ?? new Map<string, unknown>();
      for (const [name, value] of entries) into.set(name, value);
      merged.set(table, into);
    }
  }
  return Object.fromEntries(merged) as Changes;
}
