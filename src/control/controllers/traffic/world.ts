// The traffic model as it grows from object changes: only what a change can touch is translated again.
// Reads objects through the lookups it is given; knows no informer, no clock and no sink.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import { diffTraffic } from '#traffic/model/diff.ts';
import type { ChangedObject } from '#traffic/model/gateway/news.ts';
import type { GatewayObjects, GatewayOptions } from '#traffic/model/gateway/objects.ts';
import type { Telling } from '#traffic/model/gateway/tellings.ts';
import { GatewayTranslator } from '#traffic/model/gateway/translator.ts';
import { UnservedObjects } from '#traffic/model/gateway/unserved.ts';
import { variantTables } from '#traffic/model/gateway/variants.ts';
import {
  type ChangedIngressObject,
  type IngressOptions,
  IngressTranslator,
} from '#traffic/model/ingress-translator.ts';
import type { TrafficModel, TrafficUpdate } from '#traffic/model/ir.ts';
import { type AnyPolicy, BackendPolicies } from '#traffic/model/policy/backend-policies.ts';
import { hasSubsets, type PodLabels, withSubsets } from '#traffic/model/policy/subset.ts';
import type { Problem } from '#traffic/model/problem.ts';
import type { ServicePart } from '#traffic/model/service.ts';
import { translateServiceSafely } from '#traffic/model/translate.ts';
import { type MeshSource, MeshTables } from './mesh/mesh-tables.ts';

/** The objects as they are now. */
export interface TrafficSource extends MeshSource {
  service(key: string): Service | undefined;
  slicesOf(serviceKey: string): readonly EndpointSlice[];
  ingresses(): readonly Ingress[];
  ingress(key: string): Ingress | undefined;
  ingressClasses(): readonly IngressClass[];
  secret(key: string): Secret | undefined;
  /** Those of a namespace; left out where nobody scales to zero. */
  autoscalers?(namespace: string): readonly HorizontalPodAutoscaler[];
  /** Left out where Gateways are not served. */
  gateways?(): GatewayObjects;
  /** Left out where nobody has any. */
  policies?(): readonly AnyPolicy[];
  /** Asked for when a policy first takes a subset; undefined until pods are known. */
  podLabels?(): PodLabels | undefined;
}

export interface WorldOptions extends IngressOptions {
  readonly readAuthorities?: GatewayOptions['readAuthorities'];
}

export type Changes = Omit<TrafficUpdate, 'version'>;

type Tables = Partial<TrafficModel>;

export class TrafficWorld {
  readonly #source: TrafficSource;
  readonly #services = new Map<string, ServicePart>();
  readonly #dirtyServices = new Set<string>();
  readonly #ingresses: IngressTranslator;
  /** What Ingresses have to look at again; undefined: at everything. */
  #ingressNews: Map<string, ChangedIngressObject> | undefined;
  #newlyOwned: string[] = [];
  #policies = new BackendPolicies([]);
  #policiesDirty = true;
  /** Services for which labels of pods were asked. */
  readonly #subsets = new Set<string>();
  readonly gateways: GatewayTranslator;
  readonly mesh: MeshTables;
  /** What Gateways and their routes have to look at again; undefined: at everything. */
  #gatewayNews: Map<string, ChangedObject> | undefined;
  readonly #unserved = new UnservedObjects();
  /** What has changed since it was asked for problems last; undefined: everything. */
  #unservedNews: Map<string, ChangedObject> | undefined;
  #tellings = new Map<string, Telling | undefined>();
  /** Variants of clusters by the Service that they are of, as last published. */
  readonly #variants = new Map<string, Tables>();

  constructor(source: TrafficSource, options: WorldOptions) {
    this.#source = source;
    this.#ingresses = new IngressTranslator(options);
    const { readCertificate, readAuthorities = unread } = options;
    this.gateways = new GatewayTranslator({ readCertificate, readAuthorities });
    this.mesh = new MeshTables(source, { readCertificate, readAuthorities });
  }

  /** What objects of the Gateway API are to be told since it was asked last. */
  takeTellings(): ReadonlyMap<string, Telling | undefined> {
    const tellings = this.#tellings;
    this.#tellings = new Map();
    return tellings;
  }

  /** What BackendPolicies say. */
  get policies(): BackendPolicies {
    return this.#policies;
  }

  ownsIngress(key: string): boolean {
    return this.#ingresses.isOurs(key);
  }

  /** Keys of the Ingresses that have become ours since it was asked last. */
  takeNewlyOwned(): readonly string[] {
    const owned = this.#newlyOwned;
    this.#newlyOwned = [];
    return owned;
  }

  /** The Service, or one of its slices, is not what it was. */
  touchService(key: string): void {
    this.#dirtyServices.add(key);
  }

  /** Labels of pods of the namespace, or of all, are not what they were. */
  touchPods(namespace: string | undefined): void {
    for (const key of this.#subsets) {
      if (namespace === undefined || key.startsWith(`${namespace}/`)) this.touchService(key);
    }
  }

  /** A BackendPolicy is not what it was. */
  touchPolicies(): void {
    this.#policiesDirty = true;
  }

  /** Something that all Ingresses depend on is not what it was. */
  touchIngresses(): void {
    this.#ingressNews = undefined;
  }

  /** An object that Ingresses may depend on is not what it was. */
  touchIngress(kind: ChangedIngressObject['kind'], key: string): void {
    this.#ingressNews?.set(`${kind} ${key}`, { kind, key });
  }

  /** An object that Gateways or their routes may depend on is not what it was. */
  touchGateways(kind: string, key: string): void {
    this.#gatewayNews?.set(`${kind} ${key}`, { kind, key });
    this.#unservedNews?.set(`${kind} ${key}`, { kind, key });
  }

  /** True when a Secret of this key would change a certificate. */
  needsSecret(key: string): boolean {
    return this.#ingresses.needsSecret(key) || this.gateways.needs('Secret', key);
  }

  /** Translates what was touched and says what that changed; undefined when nothing did. */
  refresh(): Changes | undefined {
    const all: (Changes | undefined)[] = [];
    if (this.#policiesDirty) this.#refreshPolicies();
    // Before Services, for it says which of them have a front.
    all.push(...this.mesh.refresh(this.#dirtyServices, this.#policies));
    const services = new Set(this.#dirtyServices);
    for (const key of services) all.push(this.#refreshService(key));
    this.#dirtyServices.clear();
    all.push(this.#refreshIngresses(services));
    const news = this.#gatewayNews;
    if (this.#source.gateways !== undefined && (news === undefined || news.size > 0)) {
      all.push(
        this.#refreshGateways(
          { ...this.#source.gateways(), policies: this.#policies },
          news && [...news.values()],
          services,
        ),
      );
      this.#gatewayNews = new Map();
    }
    for (const key of services) all.push(this.#refreshVariants(key));
    return merge(all.filter((changes) => changes !== undefined));
  }

  /** What is wrong now, over all objects. */
  problems(): Problem[] {
    const news = this.#unservedNews;
    if (this.#source.gateways !== undefined && (news === undefined || news.size > 0)) {
      this.#unserved.update(this.#source.gateways(), news && [...news.values()]);
      this.#unservedNews = new Map();
    }
    const services = [...this.#services.values()].flatMap(({ problems }) => problems);
    return services.concat(this.#ingresses.problems, this.#unserved.problems);
  }

  #refreshPolicies(): void {
    this.#policiesDirty = false;
    const before = this.#policies;
    this.#policies = new BackendPolicies(this.#source.policies?.() ?? []);
    for (const { kind, key } of this.#policies.targetsThatDiffer(before)) {
      if (kind === 'Service') this.#dirtyServices.add(key);
      this.touchGateways(kind, key);
      this.mesh.touch();
    }
  }

  #refreshService(key: string): Changes | undefined {
    const service = this.#source.service(key);
    const before = this.#services.get(key);
    if (service === undefined) {
      this.#services.delete(key);
      return diffTraffic(tablesOf(before), {});
    }
    const { namespace = '' } = service.metadata ?? {};
    const autoscalers = this.#source.autoscalers?.(namespace) ?? [];
    const plain = this.#withSubsets(
      key,
      translateServiceSafely(service, this.#source.slicesOf(key), autoscalers, this.#policies),
    );
    const after = this.mesh.withFronts(key, plain);
    this.#services.set(key, after);
    return diffTraffic(tablesOf(before), tablesOf(after));
  }

  /** Adds to `services` those whose clusters Ingresses want spoken to in other ways than before. */
  #refreshIngresses(services: Set<string>): Changes | undefined {
    const news = this.#ingressNews;
    this.#ingressNews = new Map();
    if (news?.size === 0) return undefined;
    const source = this.#source;
    const { variants, owned, ...tables } = this.#ingresses.update(
      {
        get ingresses() {
          return source.ingresses();
        },
        get ingressClasses() {
          return source.ingressClasses();
        },
        ingress: (key) => source.ingress(key),
        service: (key) => source.service(key),
        secret: (key) => source.secret(key),
      },
      news?.values(),
    );
    this.#newlyOwned.push(...owned);
    for (const key of variants) services.add(key);
    return filled(tables);
  }

  /** Adds to `services` those whose clusters are spoken to in other ways than before. */
  #refreshGateways(
    objects: GatewayObjects,
    news: readonly ChangedObject[] | undefined,
    services: Set<string>,
  ): Changes | undefined {
    const { variants, tellings, ...tables } = this.gateways.update(objects, news);
    for (const [id, telling] of tellings) this.#tellings.set(id, telling);
    for (const key of variants) services.add(key);
    return filled(tables);
  }

  #withSubsets<T extends Pick<TrafficModel, 'clusters' | 'endpoints'>>(service: string, tables: T): T {
    if (!hasSubsets(tables)) return tables;
    this.#subsets.add(service);
    return withSubsets(tables, this.#source.podLabels?.());
  }

  /** A variant has the endpoints of its cluster, whenever these change. */
  #refreshVariants(service: string): Changes | undefined {
    const before = this.#variants.get(service);
    const wanted = [
      ...this.gateways.variants.ofService(service),
      ...this.#ingresses.variants.ofService(service),
      ...this.mesh.variantsOf(service),
    ];
    const varied = variantTables(wanted, this.#services.get(service));
    const after = varied && this.#withSubsets(service, varied);
    if (before === undefined && after === undefined) return undefined;
    if (after === undefined) this.#variants.delete(service);
    else this.#variants.set(service, after);
    return diffTraffic(before ?? {}, after ?? {});
  }
}

const unread: GatewayOptions['readAuthorities'] = () => ({ error: 'certificates are not read here' });

function tablesOf(part: ServicePart | undefined): Partial<TrafficModel> {
  if (part === undefined) return {};
  const { clusters, endpoints, services } = part;
  return { clusters, endpoints, services };
}

/** Tables in which something has changed. */
function filled(tables: Changes): Changes | undefined {
  const entries = Object.entries(tables).filter(([, changes]) => changes.size > 0);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Parts share no name, so their changes only stand side by side; of one that is there twice the last counts. */
export function merge(all: readonly Changes[]): Changes | undefined {
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
