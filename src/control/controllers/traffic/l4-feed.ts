// Services at layer 4 for the proxy of a node: what each port serves, as Services and slices change.
// Knows no node and no rule; reads what kube-proxy reads, and nothing of what is somebody else's.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { type Detours, withDetour } from '#traffic/model/l4/detour.ts';
import { drainOf } from '#traffic/model/l4/drain.ts';
import { isOnAny, type PackedSlice, packSlice, unpackSlice } from '#traffic/model/l4/packed-slice.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { translateL4 } from '#traffic/model/l4/translate-l4.ts';
import { trimService } from '#traffic/model/l4/trims.ts';

export interface L4Update {
  /** Names of ports that may have changed, come or gone; the feed says what they are now (`get`). */
  readonly names: ReadonlySet<string>;
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
  /** Name of this node, where some Services take a detour through a proxy of it. */
  readonly node?: string;
}

/** As upstream's proxies ask, so that the API server sends nothing that would be left out here. */
const SELECTOR = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';

const SERVICE_TRIM = { name: 'l4', keep: trimService };
const SLICE_TRIM = { name: 'l4', keep: packSlice };

/** News is gathered this long, in milliseconds; as for traffic. */
const GATHER_MS = 2;

const NOTHING: ReadonlyMap<string, L4ServicePort> = new Map();

const BY_SERVICE = 'l4/service';
const byService = (slice: PackedSlice): readonly string[] => [slice.service];

/** What is asked for again (`get`) is translated again, from the objects as they are then: nobody keeps it. */
export class L4Feed {
  readonly #options: L4FeedOptions;
  readonly #services: Informer<Service & KubeObject>;
  readonly #slices: Informer<PackedSlice>;
  /** Names of the ports that were told of, by Service; mostly there is one. */
  readonly #known = new Map<string, string | readonly string[]>();
  /** The Service that was asked for last, since a Service is asked for port by port. */
  #last: { readonly key: string; readonly ports: ReadonlyMap<string, L4ServicePort> } | undefined;
  readonly #dirty = new Set<string>();
  #detours: Detours = new Map();
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

  /** Resolves with the number of Services once all objects are there. Rejects when the informers stop before that. */
  async listed(): Promise<number> {
    await Promise.all([this.#services.synced(), this.#slices.synced()]);
    return this.#services.list().length;
  }

  /** Publishes everything there is, which has to be `listed`, and what changes from now on. */
  start(): void {
    this.#ready = true;
    this.#since = undefined;
    this.#flush(true);
  }

  stop(): void {
    this.#pending?.();
    for (const end of this.#unsubscribe) end();
  }

  /** `name` begins with its Service: `namespace/service:port/TCP/IPv4`. */
  get(name: string): L4ServicePort | undefined {
    const key = name.slice(0, name.indexOf(':'));
    if (this.#last?.key !== key)
      this.#last = { key, ports: this.#translate(key, this.#slices.byIndex(BY_SERVICE, key)) };
    return this.#last.ports.get(name);
  }

  /** From now on these ports take a detour, and no others; published at once. */
  detour(detours: Detours): void {
    const before = this.#detours;
    this.#detours = detours;
    for (const key of new Set([...before.keys(), ...detours.keys()])) {
      const [was, is] = [before.get(key), detours.get(key)];
      if (was?.address !== is?.address || was?.port !== is?.port) this.#touch(key.slice(0, key.indexOf(':')));
    }
    if (!this.#ready || this.#dirty.size === 0) return;
    this.#pending?.();
    this.#flush(false);
  }

  /** What was published needs no note: objects are here. */
  note(): void {}

  /** Names of ports that have endpoints on any of these nodes. */
  *onNodes(nodes: ReadonlySet<string>): Generator<string> {
    for (const slice of this.#slices.list()) if (isOnAny(slice, nodes)) yield* this.#namesOf(slice.service);
  }

  #touch(key: string): void {
    if (key === '') return;
    if (this.#last?.key === key) this.#last = undefined;
    this.#dirty.add(key);
    if (this.#ready) this.#pending ??= this.#options.clock.after(GATHER_MS, () => this.#flush(false));
  }

  #note(slice: PackedSlice | undefined): void {
    const at = slice?.changed ?? Number.NaN;
    if (!Number.isNaN(at) && (this.#since === undefined || at < this.#since)) this.#since = at;
  }

  #flush(first: boolean): void {
    this.#pending = undefined;
    const names = new Set<string>();
    for (const key of this.#dirty) {
      for (const name of this.#namesOf(key)) names.add(name);
      this.#tellProblems(key);
      const now = [...this.#translate(key, []).keys()];
      const [name, ...more] = now;
      if (name === undefined) this.#known.delete(key);
      else this.#known.set(key, more.length === 0 ? name : now);
      for (const own of now) names.add(own);
    }
    this.#dirty.clear();
    const since = this.#since;
    this.#since = undefined;
    if (first || names.size > 0) this.#options.sink.publish({ names, since });
  }

  /** An object of unforeseen shape is not served, and costs no other its own. */
  #translate(key: string, slices: readonly PackedSlice[]): ReadonlyMap<string, L4ServicePort> {
    const service = this.#services.get(key);
    if (service === undefined) return NOTHING;
    try {
      const ports = translateL4(service, slices.map(unpackSlice));
      return this.#detours.size === 0 ? ports : this.#detoured(ports);
    } catch (error) {
      this.#options.log.warn({ service: key, error: String(error) }, 'This Service cannot be served at layer 4');
      return NOTHING;
    }
  }

  #detoured(ports: ReadonlyMap<string, L4ServicePort>): ReadonlyMap<string, L4ServicePort> {
    const { node = '' } = this.#options;
    const all = [...ports.values()].flatMap((port) => withDetour(port, this.#detours, node));
    return new Map(all.map((port) => [port.name, port]));
  }

  #namesOf(key: string): readonly string[] {
    const names = this.#known.get(key) ?? [];
    return typeof names === 'string' ? [names] : names;
  }

  /** Once, until it is another one. */
  #tellProblems(key: string): void {
    const service = this.#services.get(key);
    const problem = service === undefined ? undefined : drainOf(service).problems[0];
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
