// Everything that the translation of the mesh reads, kept up to date; what no route asks for is not watched.
// Knows no meaning: it says that something changed, and hands the objects over.
import type { ConfigMap, Pod, Service } from 'kubernetes-types/core/v1.js';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, BackendTlsPolicy, GrpcRoute, HttpRoute, Layer4RouteObject } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import { jsonEqual } from '#lib/json.ts';
import { isServiceRef } from '#traffic/model/mesh/attach.ts';
import { MESH_CONTROLLER } from '#traffic/model/mesh/names.ts';
import type { MeshObjects, XMesh } from '#traffic/model/mesh/objects.ts';
import { type CustomInformer, customInformer } from '../../common/custom-informer.ts';

const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const;
const KINDS = [...ROUTES, 'BackendTLSPolicy', 'XMesh'] as const;
export type MeshKind = (typeof KINDS)[number];

export interface MeshNews {
  /** Something that the translation reads has changed; `told`: only what is said about it. */
  changed(kind: MeshKind, key: string, told: boolean): void;
  configMap(key: string): void;
  /** A pod of this namespace has come or gone, or has another address. */
  pod(namespace: string): void;
}

export interface MeshInformersOptions {
  readonly informers: Informers;
  readonly services: Pick<Informer<Service & KubeObject>, 'get'>;
  /** Whose pods are clients here; every node's when left out. */
  readonly node?: string;
  /** How a kind is watched; left out: once it is defined. */
  readonly watch?: (kind: MeshKind) => CustomInformer<KubeObject>;
  /** Left out: all of them. */
  readonly kinds?: readonly MeshKind[];
  readonly news: MeshNews;
}

export class MeshInformers {
  readonly #options: MeshInformersOptions;
  readonly #kinds: ReadonlyMap<MeshKind, CustomInformer<KubeObject>>;
  #configMaps: Informer<ConfigMap & KubeObject> | undefined;
  #pods: Informer<Pod & KubeObject> | undefined;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: MeshInformersOptions) {
    const { informers, news, kinds = KINDS } = options;
    const { watch = (kind) => customInformer<KubeObject>(informers, gatewayResource(kind)) } = options;
    this.#options = options;
    this.#kinds = new Map(kinds.map((kind) => [kind, watch(kind)]));
    for (const [kind, informer] of this.#kinds) {
      informer.onChange((key, now, before) => {
        // Routes of Gateways are none of the mesh's; those that were of a Service are once more.
        if (isRoute(kind) && !concerns(now) && !concerns(before)) return;
        news.changed(kind, key, sameMeaning(now, before));
      });
    }
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#kinds.values()].map((informer) => informer.synced()));
  }

  stop(): void {
    for (const end of this.#unsubscribe) end();
  }

  get(kind: MeshKind, key: string): KubeObject | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  objects(): MeshObjects {
    const all = <T>(kind: MeshKind): readonly T[] => (this.#kinds.get(kind)?.list() ?? []) as unknown as readonly T[];
    const routes = <T extends AnyRoute>(kind: MeshKind): readonly T[] => all<T>(kind).filter(concerns);
    return {
      httpRoutes: routes<HttpRoute>('HTTPRoute'),
      grpcRoutes: routes<GrpcRoute>('GRPCRoute'),
      tlsRoutes: routes<Layer4RouteObject>('TLSRoute'),
      tcpRoutes: routes<Layer4RouteObject>('TCPRoute'),
      udpRoutes: routes<Layer4RouteObject>('UDPRoute'),
      tlsPolicies: all<BackendTlsPolicy>('BackendTLSPolicy'),
      meshes: all<XMesh>('XMesh'),
      service: (key) => this.#options.services.get(key),
      configMap: (key) => this.#configMap(key),
    };
  }

  /** Of pods with a network of their own; others cannot be told from their node. */
  podAddresses(namespace: string): readonly string[] {
    if (this.#pods === undefined) {
      const { informers, node, news } = this.#options;
      this.#pods = informers.of<Pod & KubeObject>(
        builtin('Pod'),
        node === undefined ? {} : { fieldSelector: `spec.nodeName=${node}` },
      );
      const pods = this.#pods;
      // Not within the translation that asks: what is there already is told of at once.
      queueMicrotask(() =>
        this.#unsubscribe.push(
          pods.onChange((_key, now, before) => {
            if (!jsonEqual(addressesOf(now), addressesOf(before))) news.pod((now ?? before)?.metadata?.namespace ?? '');
          }),
        ),
      );
    }
    return this.#pods.list(namespace).flatMap(addressesOf).sort();
  }

  #configMap(key: string): ConfigMap | undefined {
    if (this.#configMaps === undefined) {
      this.#configMaps = this.#options.informers.of<ConfigMap & KubeObject>(builtin('ConfigMap'));
      const maps = this.#configMaps;
      queueMicrotask(() => this.#unsubscribe.push(maps.onChange((changed) => this.#options.news.configMap(changed))));
    }
    return this.#configMaps.get(key);
  }
}

function isRoute(kind: MeshKind): boolean {
  return (ROUTES as readonly string[]).includes(kind);
}

/** It has a Service for a parent, or we have said something of one that it had. */
export function concerns(object: KubeObject | undefined): boolean {
  const { spec, status } = (object ?? {}) as AnyRoute;
  return (
    (spec?.parentRefs ?? []).some(isServiceRef) ||
    (status?.parents ?? []).some(({ controllerName }) => controllerName === MESH_CONTROLLER)
  );
}

function addressesOf(pod: Pod | undefined): readonly string[] {
  const { phase, podIP, podIPs } = pod?.status ?? {};
  // Addresses of pods that have ended are given to others.
  if (pod?.spec?.hostNetwork === true || phase === 'Succeeded' || phase === 'Failed') return [];
  return (podIPs?.map(({ ip }) => ip) ?? [podIP]).filter((ip) => ip !== undefined);
}

function sameMeaning(now: KubeObject | undefined, before: KubeObject | undefined): boolean {
  if (now === undefined || before === undefined || now.metadata?.uid !== before.metadata?.uid) return false;
  const specOf = (object: KubeObject): unknown => (object as KubeObject & { readonly spec?: unknown }).spec;
  return now.metadata?.generation === before.metadata?.generation && jsonEqual(specOf(now), specOf(before));
}
