// Everything that the translation of Gateways reads, kept up to date; kinds that are not defined yet are empty until then.
// Knows no meaning: it says that something changed, and hands the objects over.
import type { ConfigMap, Namespace, Service } from 'kubernetes-types/core/v1.js';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type {
  BackendTlsPolicy,
  Gateway,
  GatewayClass,
  GrpcRoute,
  HttpRoute,
  Layer4RouteObject,
  ListenerSet,
  ReferenceGrant,
} from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import { jsonEqual } from '#lib/json.ts';
import type { GatewayAddresses, GatewayObjects } from '#traffic/model/gateway/objects.ts';
import { type CustomInformer, customInformer } from '../../common/custom-informer.ts';
import type { SecretSource } from '../secret-source.ts';

/** Resources of the API whose status somebody writes. */
export type GatewayKind =
  | 'GatewayClass'
  | 'Gateway'
  | 'ListenerSet'
  | 'HTTPRoute'
  | 'GRPCRoute'
  | 'TLSRoute'
  | 'TCPRoute'
  | 'UDPRoute'
  | 'BackendTLSPolicy'
  | 'XMesh';

const KINDS: readonly (GatewayKind | 'ReferenceGrant')[] = [
  'GatewayClass',
  'Gateway',
  'ListenerSet',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'BackendTLSPolicy',
  'ReferenceGrant',
];

/** `told`: only what is said about the object has changed, not what it says. */
type OnNews = (kind: GatewayKind | 'ReferenceGrant' | 'Namespace' | 'ConfigMap', key: string, told: boolean) => void;

export class GatewayInformers {
  readonly #informers: Informers;
  readonly #kinds: ReadonlyMap<string, CustomInformer<KubeObject>>;
  readonly #namespaces: Informer<Namespace & KubeObject>;
  readonly #services: Informer<Service & KubeObject>;
  readonly #secrets: Pick<SecretSource, 'get'>;
  /** Watched from the moment in which the first object refers to one. */
  #configMaps: Informer<ConfigMap & KubeObject> | undefined;
  readonly #onNews: OnNews;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(informers: Informers, secrets: Pick<SecretSource, 'get'>, onNews: OnNews) {
    this.#informers = informers;
    this.#onNews = onNews;
    this.#kinds = new Map(KINDS.map((kind) => [kind, customInformer<KubeObject>(informers, gatewayResource(kind))]));
    this.#namespaces = informers.of<Namespace & KubeObject>(builtin('Namespace'));
    this.#services = informers.of<Service & KubeObject>(builtin('Service'));
    this.#secrets = secrets;
    for (const kind of KINDS) {
      // Also of statuses: somebody may have written over what we said.
      this.#kinds.get(kind)?.onChange((key, now, before) => onNews(kind, key, sameMeaning(now, before)));
    }
    this.#unsubscribe.push(
      this.#namespaces.onChange((key, now, before) => {
        if (!jsonEqual(now?.metadata?.labels, before?.metadata?.labels)) onNews('Namespace', key, false);
      }),
    );
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#kinds.values(), this.#namespaces].map((informer) => informer.synced()));
  }

  stop(): void {
    for (const end of this.#unsubscribe) end();
  }

  get(kind: GatewayKind, key: string): KubeObject | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  /** Lists are made when they are read: of thousands of routes mostly one has changed. */
  objects(addresses: (gateway: string) => GatewayAddresses): GatewayObjects {
    const all = <T>(kind: string): readonly T[] => (this.#kinds.get(kind)?.list() ?? []) as unknown as readonly T[];
    return {
      get classes() {
        return all<GatewayClass>('GatewayClass');
      },
      get gateways() {
        return all<Gateway>('Gateway');
      },
      get listenerSets() {
        return all<ListenerSet>('ListenerSet');
      },
      get httpRoutes() {
        return all<HttpRoute>('HTTPRoute');
      },
      get grpcRoutes() {
        return all<GrpcRoute>('GRPCRoute');
      },
      get tlsRoutes() {
        return all<Layer4RouteObject>('TLSRoute');
      },
      get tcpRoutes() {
        return all<Layer4RouteObject>('TCPRoute');
      },
      get udpRoutes() {
        return all<Layer4RouteObject>('UDPRoute');
      },
      get grants() {
        return all<ReferenceGrant>('ReferenceGrant');
      },
      get tlsPolicies() {
        return all<BackendTlsPolicy>('BackendTLSPolicy');
      },
      find: (kind, key) => this.#kinds.get(kind)?.get(key),
      service: (key) => this.#services.get(key),
      secret: (key) => this.#secrets.get(key),
      configMap: (key) => this.#configMap(key),
      namespaceLabels: (name) => {
        const namespace = this.#namespaces.get(name);
        return namespace === undefined ? undefined : (namespace.metadata?.labels ?? {});
      },
      addresses,
    };
  }

  #configMap(key: string): ConfigMap | undefined {
    if (this.#configMaps === undefined) {
      this.#configMaps = this.#informers.of<ConfigMap & KubeObject>(builtin('ConfigMap'));
      const informer = this.#configMaps;
      // Not within the translation that asks: what is there already is told of at once.
      queueMicrotask(() =>
        this.#unsubscribe.push(informer.onChange((changed) => this.#onNews('ConfigMap', changed, false))),
      );
    }
    return this.#configMaps.get(key);
  }
}

function sameMeaning(now: KubeObject | undefined, before: KubeObject | undefined): boolean {
  if (now === undefined || before === undefined || now.metadata?.uid !== before.metadata?.uid) return false;
  const specOf = (object: KubeObject): unknown => (object as KubeObject & { readonly spec?: unknown }).spec;
  // The generation is what a status speaks of.
  return now.metadata?.generation === before.metadata?.generation && jsonEqual(specOf(now), specOf(before));
}
