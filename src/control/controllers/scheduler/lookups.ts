// What decisions need besides nodes and pods, read from informers: namespaces, storage, and what makes pods siblings.
// Reads only; tells of changes that may help a pod.

import type { ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type {
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  Service,
} from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { LabelQuery, type LabelRequirement, labelSelectorQuery, mapSelectorMatches } from '#kube/api/selector.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { controllerOf } from '../common/owners.ts';
import type { ClusterChange } from './filters/filter.ts';
import type { Lookups } from './state/cluster-state.ts';

export class InformedLookups implements Lookups {
  readonly reads: readonly { synced(): Promise<void> }[];
  readonly #namespaces: Informer<Namespace>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #services: Informer<Service>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #statefulSets: Informer<StatefulSet>;
  readonly #replicationControllers: Informer<ReplicationController>;
  #namespacesVersion = 0;

  constructor(informers: Informers, changed: (change: ClusterChange) => void) {
    this.#namespaces = informers.of(builtin('Namespace'));
    this.#claims = informers.of(builtin('PersistentVolumeClaim'));
    this.#volumes = informers.of(builtin('PersistentVolume'));
    this.#classes = informers.of(builtin('StorageClass'));
    this.#services = informers.of(builtin('Service'));
    this.#replicaSets = informers.of(builtin('ReplicaSet'));
    this.#statefulSets = informers.of(builtin('StatefulSet'));
    this.#replicationControllers = informers.of(builtin('ReplicationController'));
    const storage = [this.#claims, this.#volumes, this.#classes] as const;
    for (const informer of storage) informer.onChange(() => changed('storage'));
    this.#namespaces.onChange((_key, now, before) => {
      if (semanticallyEqual(now?.metadata?.labels, before?.metadata?.labels)) return;
      this.#namespacesVersion += 1;
      changed('namespace labels');
    });
    this.reads = [
      this.#namespaces,
      ...storage,
      this.#services,
      this.#replicaSets,
      this.#statefulSets,
      this.#replicationControllers,
    ];
  }

  readonly namespaceLabels = (namespace: string): Readonly<Record<string, string>> | undefined =>
    this.#namespaces.get(namespace)?.metadata?.labels;

  readonly namespacesVersion = (): number => this.#namespacesVersion;

  readonly claim = (namespace: string, name: string): PersistentVolumeClaim | undefined =>
    this.#claims.get(`${namespace}/${name}`);

  readonly volume = (name: string): PersistentVolume | undefined => this.#volumes.get(name);

  readonly volumes = (): readonly PersistentVolume[] => this.#volumes.list();

  readonly storageClass = (name: string): StorageClass | undefined => this.#classes.get(name);

  /** Upstream: helper.DefaultSelector. */
  readonly siblings = (pod: Pod): LabelQuery | undefined => {
    const { namespace = '', labels } = pod.metadata ?? {};
    const merged: Record<string, string> = {};
    for (const { spec } of this.#services.list(namespace)) {
      if (mapSelectorMatches(spec?.selector, labels)) Object.assign(merged, spec?.selector);
    }
    const owner = this.#ownerSelector(pod, namespace);
    const requirements: LabelRequirement[] = [
      ...labelSelectorQuery({ matchLabels: merged }).requirements,
      ...(owner === undefined ? [] : labelSelectorQuery(owner).requirements),
    ];
    return requirements.length === 0 ? undefined : new LabelQuery(requirements);
  };

  #ownerSelector(pod: Pod, namespace: string): LabelSelector | undefined {
    const owner = controllerOf(pod);
    if (owner === undefined) return undefined;
    const key = `${namespace}/${owner.name}`;
    switch (owner.kind) {
      case 'ReplicaSet':
        return this.#replicaSets.get(key)?.spec?.selector;
      case 'StatefulSet':
        return this.#statefulSets.get(key)?.spec?.selector;
      case 'ReplicationController': {
        const matchLabels = this.#replicationControllers.get(key)?.spec?.selector;
        return matchLabels === undefined ? undefined : { matchLabels };
      }
      default:
        return undefined;
    }
  }
}
