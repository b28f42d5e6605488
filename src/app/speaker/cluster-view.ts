// What a speaker reads of its cluster: Services with their endpoints, nodes, pools, advertisements and peers.
// Knows informers; what follows from it is worked out elsewhere.
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { type CustomInformer, customInformer } from '#control/controllers/common/custom-informer.ts';
import { loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type {
  AddressPool,
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from '#kube/api/load-balancer/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { AnnounceInput } from '#traffic/model/announce/resolve.ts';
import { readPools } from '#traffic/model/pools/read-pools.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';

const BY_SERVICE = 'speaker/service';

export class ClusterView {
  readonly services: Informer<Service & KubeObject>;
  readonly nodes: Informer<Node & KubeObject>;
  readonly peers: CustomInformer<BGPPeer>;
  readonly bfdProfiles: CustomInformer<BFDProfile>;
  readonly #slices: Informer<EndpointSlice & KubeObject>;
  readonly #pools: CustomInformer<AddressPool>;
  readonly #theirPools: CustomInformer<IPAddressPool>;
  readonly #l2: CustomInformer<L2Advertisement>;
  readonly #bgp: CustomInformer<BGPAdvertisement>;
  readonly #communities: CustomInformer<Community>;

  /** By kind. */
  readonly #customs = new Map<string, CustomInformer<KubeObject>>();

  constructor(informers: Informers) {
    const custom = <T extends KubeObject>(kind: string): CustomInformer<T> => {
      const informer = customInformer<T>(informers, loadBalancerResource(kind));
      this.#customs.set(kind, informer as unknown as CustomInformer<KubeObject>);
      return informer;
    };
    this.services = informers.of(builtin('Service'));
    this.nodes = informers.of(builtin('Node'));
    this.#slices = informers.of(builtin('EndpointSlice'));
    this.#slices.addIndex(BY_SERVICE, (slice) => [serviceKeyOf(slice)]);
    this.#pools = custom('AddressPool');
    this.#theirPools = custom('IPAddressPool');
    this.#l2 = custom('L2Advertisement');
    this.#bgp = custom('BGPAdvertisement');
    this.#communities = custom('Community');
    this.peers = custom('BGPPeer');
    this.bfdProfiles = custom('BFDProfile');
  }

  /** `changed` is called for every change from now on. */
  onChange(changed: () => void): void {
    this.services.onChange(changed);
    this.#slices.onChange(changed);
    // Heartbeats of kubelets are no news.
    this.nodes.onChange((_key, now, before) => {
      if (now === undefined || before === undefined || newsOf(now) !== newsOf(before)) changed();
    });
    for (const one of this.#customs.values()) one.onChange(changed);
  }

  async synced(): Promise<void> {
    const standard = [this.services, this.nodes, this.#slices];
    await Promise.all([...standard, ...this.#customs.values()].map((one) => one.synced()));
  }

  /** With its kind and version, as events want it. */
  loadBalancerObject(kind: string, key: string): KubeObject | undefined {
    const object = this.#customs.get(kind)?.get(key);
    if (object === undefined) return undefined;
    const { group, version } = loadBalancerResource(kind);
    return { ...object, apiVersion: `${group}/${version}`, kind };
  }

  input(isAlive: (node: string) => boolean, isDefault: boolean): AnnounceInput {
    return {
      pools: readPools(this.#pools.list(), this.#theirPools.list()).pools,
      l2Advertisements: this.#l2.list(),
      bgpAdvertisements: this.#bgp.list(),
      bgpPeers: this.peers.list(),
      communities: this.#communities.list(),
      nodes: this.nodes.list(),
      services: this.services.list(),
      slicesOf: (service) => this.#slices.byIndex(BY_SERVICE, service),
      isAlive,
      isDefault,
    };
  }
}

/** Of a Node, what has to do with announcing. */
function newsOf({ metadata, spec, status }: Node): string {
  const conditions = status?.conditions?.map(({ type, status: is }) => `${type}=${is}`);
  return JSON.stringify([metadata?.labels, metadata?.deletionTimestamp, spec, conditions, status?.addresses]);
}
