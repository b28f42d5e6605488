// What carries requests to Services on a node: routes become tables of an engine, and the kernel leads clients to it.
// Knows no kernel: it says which detours there are. The kernel never leads to where nobody would answer.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { customInformer } from '#control/controllers/common/custom-informer.ts';
import { MeshInformers, type MeshKind } from '#control/controllers/traffic/mesh/mesh-informers.ts';
import { LINGER_MS } from '#control/controllers/traffic/mesh/mesh-tables.ts';
import { createCertificateReader, readAuthorities } from '#control/controllers/traffic/read-certificate.ts';
import { merge, TrafficWorld } from '#control/controllers/traffic/world.ts';
import { backendPolicyResource } from '#kube/api/backend-policy/definition.ts';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer } from '#kube/client/informer.ts';
import type { Cancel } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { diffTraffic } from '#traffic/model/diff.ts';
import type { Listener, ServicePort, TrafficUpdate } from '#traffic/model/ir.ts';
import { type BackendTrafficPolicy, TRAFFIC_POLICY } from '#traffic/model/policy/traffic-policy.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import { type Engine, startEngine } from '#traffic/proxy/engine.ts';
import { Fronts } from './fronts.ts';
import type { NodeMeshOptions } from './node-mesh.ts';

/** As for all traffic, in milliseconds. */
const GATHER_MS = 2;
/** A port that was free a moment ago has been taken. */
const AGAIN_MS = 1_000;
/** For what is under way at the end. */
const DRAIN_MS = 5_000;
const BY_SERVICE = 'mesh/service';
const NONE: ReadonlySet<string> = new Set();

/** Resolves when it works; what there is comes into force a moment later. */
export async function startCarrier(
  options: NodeMeshOptions,
  watch: (kind: MeshKind) => Informer<KubeObject>,
): Promise<Carrier> {
  const { node, zone, workers, log } = options;
  const engine = await startEngine({ workers, node, zone: zone(), log: log.child({ part: 'engine' }) });
  const carrier = new Carrier(options, engine, watch);
  try {
    await carrier.synced();
  } catch (error) {
    await carrier.close();
    throw error;
  }
  carrier.start();
  return carrier;
}

export class Carrier {
  readonly #options: NodeMeshOptions;
  readonly #engine: Engine;
  readonly #informers: MeshInformers;
  readonly #services: Informer<Service & KubeObject>;
  readonly #slices: Informer<EndpointSlice & KubeObject>;
  readonly #world: TrafficWorld;
  readonly #fronts: Fronts;
  /** Ports of Services that have a front. */
  readonly #ports = new Map<string, ServicePort>();
  readonly #unsubscribe: (() => void)[];
  #known: ReadonlySet<string> = NONE;
  #published: ReadonlyMap<string, Listener> = new Map();
  #version = 0;
  #pending: Cancel | undefined;
  #sweeping: Cancel | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #started = false;
  #closed = false;
  #lost = false;

  constructor(options: NodeMeshOptions, engine: Engine, watch: (kind: MeshKind) => Informer<KubeObject>) {
    const { informers, node, log } = options;
    this.#options = options;
    this.#engine = engine;
    this.#fronts = new Fronts(log);
    this.#services = informers.of<Service & KubeObject>(builtin('Service'));
    this.#slices = informers.of<EndpointSlice & KubeObject>(builtin('EndpointSlice'));
    this.#slices.addIndex(BY_SERVICE, (slice) => [serviceKeyOf(slice)]);
    this.#informers = new MeshInformers({
      informers,
      services: this.#services,
      node,
      watch,
      kinds: ['HTTPRoute', 'GRPCRoute', 'BackendTLSPolicy'],
      news: {
        changed: (_kind, _key, told) => {
          // What is there from the start is heard of while all of this is still being made.
          if (!told && this.#started) this.#touchMesh();
        },
        configMap: (key) => {
          if (this.#world.mesh.part.configMaps.has(key)) this.#touchMesh();
        },
        pod: (namespace) => {
          this.#world.mesh.touchClients(namespace);
          this.touch();
        },
      },
    });
    // Nobody waits for it: most clusters have none of them.
    const policies = customInformer<BackendPolicy>(informers, backendPolicyResource);
    const standard = customInformer<BackendTrafficPolicy>(informers, gatewayResource(TRAFFIC_POLICY));
    for (const informer of [policies, standard]) {
      informer.onChange(() => {
        if (!this.#started) return;
        this.#world.touchPolicies();
        this.touch();
      });
    }
    this.#world = new TrafficWorld(
      {
        // Of others nothing is asked, and their endpoints are many.
        service: (key) => (this.#known.has(key) ? this.#services.get(key) : undefined),
        slicesOf: (key) => this.#slices.byIndex(BY_SERVICE, key),
        ingresses: () => [],
        ingress: () => undefined,
        ingressClasses: () => [],
        secret: () => undefined,
        policies: () => [...policies.list(), ...standard.list()],
        mesh: () => this.#informers.objects(),
        podAddresses: (namespace) => this.#informers.podAddresses(namespace),
      },
      { ingressClass: '', readCertificate: createCertificateReader(), readAuthorities },
    );
    this.#unsubscribe = [
      this.#services.onChange((key, now, before) => {
        if (!this.#known.has(key)) return;
        this.#world.touchService(key);
        if (jsonEqual(now?.spec, before?.spec)) this.touch();
        else this.#touchMesh();
      }),
      this.#slices.onChange((_key, now, before) => {
        for (const slice of [now, before]) {
          const key = slice === undefined ? '' : serviceKeyOf(slice);
          if (!this.#known.has(key)) continue;
          this.#world.touchService(key);
          this.touch();
        }
      }),
    ];
    engine.onWorkerLost(() => {
      this.#lost = true;
      this.touch();
    });
  }

  async synced(): Promise<void> {
    await Promise.all([this.#informers, this.#services, this.#slices].map((one) => one.synced()));
  }

  start(): void {
    this.#started = true;
    this.touch();
  }

  /** Something is not what it was. */
  touch(): void {
    if (!this.#started || this.#closed) return;
    this.#pending ??= this.#options.clock.after(GATHER_MS, () => {
      this.#pending = undefined;
      this.#again = true;
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
    });
  }

  metricsText(format: MetricFormat): Promise<string> {
    return this.#engine.metricsText(format);
  }

  /** Clients are led to endpoints again before nobody is here to serve them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pending?.();
    this.#sweeping?.();
    for (const end of this.#unsubscribe) end();
    this.#informers.stop();
    await this.#running;
    await this.#options.detour(new Map());
    await this.#engine.drain(DRAIN_MS);
    await this.#engine.close();
  }

  #touchMesh(): void {
    this.#world.mesh.touch();
    this.touch();
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#bringUp();
      } catch (error) {
        log.error({ error: String(error) }, 'Requests to Services could not be led to the proxy of this node');
      }
    }
  }

  async #bringUp(): Promise<void> {
    const { detour, place } = this.#options;
    if (this.#lost) {
      this.#lost = false;
      // Until another thread listens, clients go straight to endpoints.
      await detour(new Map());
      await this.#engine.applied();
      await detour(this.#fronts.detours(this.#broken()));
    }
    const update = this.#refresh();
    for (const [name, port] of update.services ?? []) {
      if (port?.front === undefined) this.#ports.delete(name);
      else this.#ports.set(name, port);
    }
    await this.#fronts.settle(this.#ports.values(), place());
    const { listeners } = this.#fronts;
    const changes = merge([
      { ...update, services: new Map() },
      ...[diffTraffic({ listeners: this.#published }, { listeners })].filter((one) => one !== undefined),
    ]);
    const gone = [...this.#published.keys()].filter((name) => !listeners.has(name));
    const came = [...listeners.keys()].filter((name) => !this.#published.has(name));
    // Nobody is led to a socket that closes, and nobody to one that is not open yet.
    if (gone.length > 0) await detour(this.#fronts.detours(new Set([...came, ...this.#broken()])));
    this.#published = listeners;
    this.#version += 1;
    this.#engine.publish({ ...changes, version: this.#version });
    if (came.length === 0) return;
    await this.#engine.applied();
    const broken = this.#broken();
    await detour(this.#fronts.detours(broken));
    if (broken.size === 0) return;
    for (const name of broken) this.#fronts.forget(name);
    // What gets another port is told of as new.
    this.#published = new Map([...listeners].filter(([name]) => !broken.has(name)));
    this.#options.clock.after(AGAIN_MS, () => this.touch());
  }

  /** What changed, with the Services that routes have come to speak of, and without those that none does any more. */
  #refresh(): Omit<TrafficUpdate, 'version'> {
    const all = [this.#world.refresh()];
    const { part, lingers } = this.#world.mesh;
    const before = this.#known;
    this.#known = lingers ? part.services.union(before) : part.services;
    if (lingers) this.#sweeping ??= this.#options.clock.after(LINGER_MS, () => this.#sweep());
    const other = [...this.#known.symmetricDifference(before)];
    for (const key of other) this.#world.touchService(key);
    if (other.length > 0) all.push(this.#world.refresh());
    return merge(all.filter((one) => one !== undefined)) ?? {};
  }

  #sweep(): void {
    this.#sweeping = undefined;
    this.#world.mesh.sweep();
    this.touch();
  }

  #broken(): ReadonlySet<string> {
    return new Set([...this.#fronts.listeners.keys()].filter((name) => this.#engine.listenErrors().has(name)));
  }
}
