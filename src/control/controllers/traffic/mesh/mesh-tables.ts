// The mesh's part of the traffic model as it grows from object changes.
// Reads objects through the lookups it is given; knows no informer and no engine.
import { jsonEqual } from '#lib/json.ts';
import { diffTraffic } from '#traffic/model/diff.ts';
import type { ClusterVariant } from '#traffic/model/gateway/backends.ts';
import type { GatewayOptions } from '#traffic/model/gateway/objects.ts';
import type { MeshFront, TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';
import { MeshMemory } from '#traffic/model/mesh/memory.ts';
import type { MeshObjects } from '#traffic/model/mesh/objects.ts';
import { type MeshPart, NO_MESH, type Translated, translateMesh } from '#traffic/model/mesh/translate-mesh.ts';
import type { BackendPolicies } from '#traffic/model/policy/backend-policies.ts';
import type { ServicePart } from '#traffic/model/service.ts';

type Changes = Omit<TrafficUpdate, 'version'>;

export interface MeshSource {
  /** Left out where there is no mesh. */
  mesh?(): MeshObjects;
  /** Addresses of the pods of a namespace that have one of their own; left out where there is no mesh. */
  podAddresses?(namespace: string): readonly string[];
}

/** Hosts of routes that have gone stay so long, in milliseconds, for who is connected and has not asked yet. */
export const LINGER_MS = 2_000;

const NO_VARIANTS: ReadonlyMap<string, ClusterVariant> = new Map();

export class MeshTables {
  readonly #source: MeshSource;
  readonly #options: GatewayOptions;
  readonly #memory = new MeshMemory<Translated | undefined>();
  #part = NO_MESH;
  #dirty = true;
  #sweeping = false;
  /** As published: of this part, and those that connections from before may yet ask. */
  #hosts: ReadonlyMap<string, VirtualHost> = new Map();
  #variants: ReadonlyMap<string, ReadonlyMap<string, ClusterVariant>> = new Map();
  #clients: ReadonlyMap<string, readonly string[]> = new Map();
  #clientsDirty = false;

  constructor(source: MeshSource, options: GatewayOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** What routes of Services became. */
  get part(): MeshPart {
    return this.#part;
  }

  /** Something that routes of Services depend on is not what it was. */
  touch(): void {
    this.#dirty = true;
  }

  /** Hosts, and the clusters that they lead to, outlive their routes until they are swept. */
  get lingers(): boolean {
    return this.#hosts.size > this.#part.virtualHosts.size;
  }

  /** Whoever was connected has been served by now. */
  sweep(): void {
    this.#sweeping = this.lingers;
  }

  /** A pod of this namespace has come or gone, or has another address. */
  touchClients(namespace: string): void {
    if (this.#part.groups.has(namespace)) this.#clientsDirty = true;
  }

  /** Adds to `services` those whose ports or clusters are not what they were. */
  refresh(services: Set<string>, policies: BackendPolicies): (Changes | undefined)[] {
    const all: (Changes | undefined)[] = [];
    const objects = this.#dirty ? this.#source.mesh?.() : undefined;
    this.#dirty = false;
    if (objects !== undefined) all.push(this.#translate({ ...objects, policies }, services));
    if (this.#sweeping) all.push(this.#publish(this.#part, new Map(), new Map(), services));
    this.#sweeping = false;
    if (this.#clientsDirty) all.push(this.#refreshClients());
    this.#clientsDirty = false;
    return all;
  }

  /** Clusters of a Service that routes of the mesh speak to in another way. */
  variantsOf(service: string): ReadonlyMap<string, ClusterVariant> {
    return this.#variants.get(service) ?? NO_VARIANTS;
  }

  /** The ports of a Service with the fronts that they have. */
  withFronts(service: string, part: ServicePart): ServicePart {
    const fronts = this.#part.fronts.get(service);
    if (fronts === undefined) return part;
    const services = new Map(
      [...part.services].map(([name, port]) => {
        const front = fronts.get(name);
        return [name, front === undefined ? port : { ...port, front }];
      }),
    );
    return { ...part, services };
  }

  #translate(objects: MeshObjects, services: Set<string>): Changes | undefined {
    const before = this.#part;
    const after = translateMesh(objects, this.#options, this.#memory);
    this.#part = after;
    for (const key of changedKeys(before.fronts, after.fronts, sameFronts)) services.add(key);
    if (before.groups.size > 0 || after.groups.size > 0) this.#clientsDirty = true;
    const isGone = [...this.#hosts.keys()].some((name) => !after.virtualHosts.has(name));
    const variants = isGone ? [...this.#variants.values()].flatMap((all) => [...all]) : [];
    return this.#publish(after, this.#hosts, new Map(variants), services);
  }

  /** What this part has, and what stays of before. */
  #publish(
    part: MeshPart,
    hostsBefore: ReadonlyMap<string, VirtualHost>,
    variantsBefore: ReadonlyMap<string, ClusterVariant>,
    services: Set<string>,
  ): Changes | undefined {
    const variants = groupVariants(new Map([...variantsBefore, ...part.variants]));
    for (const key of changedKeys(this.#variants, variants, sameVariants)) services.add(key);
    this.#variants = variants;
    const before = this.#hosts;
    this.#hosts = new Map([...hostsBefore, ...part.virtualHosts]);
    return diffTraffic({ virtualHosts: before }, { virtualHosts: this.#hosts });
  }

  #refreshClients(): Changes | undefined {
    const before = this.#clients;
    this.#clients = new Map([...this.#part.groups].map((group) => [group, this.#source.podAddresses?.(group) ?? []]));
    return diffTraffic({ clients: before }, { clients: this.#clients });
  }
}

function groupVariants(
  variants: ReadonlyMap<string, ClusterVariant>,
): ReadonlyMap<string, ReadonlyMap<string, ClusterVariant>> {
  const groups = Map.groupBy(variants, ([, { serviceKey }]) => serviceKey);
  return new Map([...groups].map(([key, entries]) => [key, new Map(entries)]));
}

function changedKeys<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  same: (a: T | undefined, b: T | undefined) => boolean,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => !same(before.get(key), after.get(key)));
}

type Fronts = ReadonlyMap<string, MeshFront> | undefined;
type OfService = ReadonlyMap<string, ClusterVariant> | undefined;
const sameFronts = (a: Fronts, b: Fronts): boolean => jsonEqual([...(a ?? [])], [...(b ?? [])]);
const sameVariants = (a: OfService, b: OfService): boolean => jsonEqual([...(a ?? [])], [...(b ?? [])]);
