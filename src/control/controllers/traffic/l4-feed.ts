// Services at layer 4 for the proxy of a node: what each port serves, as Services and slices change.
// Knows no node and no rule; reads what kube-proxy reads, and nothing of what is somebody else's.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import { drainOf } from '#traffic/model/l4/drain.ts';
import { type PackedSlice, packSlice, unpackSlice } from '#traffic/model/l4/packed-slice.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { translateL4 } from '#traffic/model/l4/translate-l4.ts';
import { trimService } from '#traffic/model/l4/trims.ts';
import type { Problem } from '#traffic/model/problem.ts';

export interface L4Update {
  /** `undefined` as value means removed. */
  readonly ports: ReadonlyMap<string, L4ServicePort | undefined>;
  /** When the oldest of the endpoint changes in it happened, in milliseconds of the wall; undefined with none. */
  readonly since: number | undefined;
}

export interface L4Sink {
  /** The first update holds everything there is. */
  publish(update: L4Update): void;
}

export interface L4FeedOptions {
  readonly informers: Informers;
  readonly sink: L4Sink;
  readonly clock: Clock;
  readonly log: Logger;
}

/** As upstream's proxies ask, so that the API server sends nothing that would be left out here. */
const SELECTOR = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';

const SERVICE_TRIM = { name: 'l4', keep: trimService };
const SLICE_TRIM = { name: 'l4', keep: packSlice };

/** News is gathered this long, in milliseconds; as for traffic. */
const GATHER_MS = 2;

const BY_SERVICE = 'l4/service';
const byService = (slice: PackedSlice): readonly string[] => [slice.service];

export class L4Feed {
  readonly #options: L4FeedOptions;
  readonly #services: Informer<Service & KubeObject>;
  readonly #slices: Informer<PackedSlice>;
  /** By Service; a list of a few takes less than a map of them. */
  readonly #known = new Map<string, readonly L4ServicePort[]>();
  readonly #dirty = new Set<string>();
  readonly #told = new Map<string, string>();
  readonly #unsubscribe: (() => void)[];
  #since: number | undefined;
  #pending: Cancel | undefined;
  #ready = false;

  constructor(options: L4FeedOptions) {
    const { informers } = options;
    this.#options = options;
    this.#services = informers.of(builtin('Service'), { labelSelector: SELECTOR }, SERVICE_TRIM);
    this.#slices = informers.of<PackedSlice>(builtin('EndpointSlice'), { labelSelector: SELECTOR }, SLICE_TRIM);
    this.#slices.addIndex(BY_SERVICE, byService);
    this.#unsubscribe = [
      this.#services.onChange((key) => this.#touch(key)),
      this.#slices.onChange((_key, now, before) => {
        this.#note(now);
        for (const slice of [now, before]) if (slice !== undefined) this.#touch(slice.service);
      }),
    ];
  }

  /** Resolves when everything there is has been published. Rejects when the informers stop before their first list. */
  async start(): Promise<void> {
    await Promise.all([this.#services.synced(), this.#slices.synced()]);
    this.#ready = true;
    this.#since = undefined;
    this.#flush(true);
  }

  stop(): void {
    this.#pending?.();
    for (const end of this.#unsubscribe) end();
  }

  #touch(key: string): void {
    if (key === '') return;
    this.#dirty.add(key);
    if (this.#ready) this.#pending ??= this.#options.clock.after(GATHER_MS, () => this.#flush(false));
  }

  #note(slice: PackedSlice | undefined): void {
    const at = slice?.changed ?? Number.NaN;
    if (!Number.isNaN(at) && (this.#since === undefined || at < this.#since)) this.#since = at;
  }

  #flush(first: boolean): void {
    this.#pending = undefined;
    const ports = new Map<string, L4ServicePort | undefined>();
    for (const key of this.#dirty) {
      const before = this.#known.get(key) ?? [];
      const after = this.#translate(key);
      if (after.length === 0) this.#known.delete(key);
      else this.#known.set(key, after);
      for (const port of after) {
        const same = before.find(({ name }) => name === port.name);
        if (!jsonEqual(same, port)) ports.set(port.name, port);
      }
      for (const { name } of before) if (!after.some((port) => port.name === name)) ports.set(name, undefined);
    }
    this.#dirty.clear();
    const since = this.#since;
    this.#since = undefined;
    if (first || ports.size > 0) this.#options.sink.publish({ ports, since });
  }

  /** An object of unforeseen shape is not served, and costs no other its own. */
  #translate(key: string): readonly L4ServicePort[] {
    const service = this.#services.get(key);
    this.#tellProblem(key, service === undefined ? undefined : drainOf(service).problems[0]);
    if (service === undefined) return [];
    try {
      return [...translateL4(service, this.#slices.byIndex(BY_SERVICE, key).map(unpackSlice)).values()];
    } catch (error) {
      this.#options.log.warn({ service: key, error: String(error) }, 'This Service cannot be served at layer 4');
      return [];
    }
  }

  /** Once, until it is another one. */
  #tellProblem(key: string, problem: Problem | undefined): void {
    if (problem === undefined) {
      this.#told.delete(key);
      return;
    }
    const { field, message } = problem;
    if (this.#told.get(key) === message) return;
    this.#told.set(key, message);
    this.#options.log.warn({ service: key, field }, message);
  }
}
