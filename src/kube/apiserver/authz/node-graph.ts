// What the pods of each node refer to, kept as pods come, change and go: a question about one object is a look-up.
// Knows pods and claims; what may be done with an object is nodes.ts. Upstream source: plugin/pkg/auth/authorizer/node/graph.go.
import type { Container, EnvFromSource, EnvVar, Pod, Volume } from 'kubernetes-types/core/v1.js';
import { type AnyObject, dig, digString } from '../registry/any-object.ts';
import type { Registry } from '../registry/registry.ts';

export type Referred = 'configmaps' | 'persistentvolumeclaims' | 'secrets' | 'serviceaccounts';

/** A pod that stands for one that needs no API to run gives its node no right to anything. */
const MIRROR = 'kubernetes.io/config.mirror';

const keyOf = (kind: Referred, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;

export class NodeGraph {
  readonly #registry: Registry;
  /** Object -> node -> how many of its pods refer to it. */
  readonly #nodes = new Map<string, Map<string, number>>();
  #stop: (() => void) | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Whether a pod that is bound to the node refers to the object. */
  refers(node: string, kind: Referred, namespace: string, name: string): boolean {
    this.#follow();
    return this.#nodes.get(keyOf(kind, namespace, name))?.has(node) === true;
  }

  /** Whether the pod is bound to the node. */
  holds(node: string, namespace: string, name: string): boolean {
    const pod = this.#registry.builtin('', 'v1', 'pods').collection.get(namespace, name)?.object;
    return digString(pod, 'spec', 'nodeName') === node && pod?.metadata?.annotations?.[MIRROR] === undefined;
  }

  /** The same for a volume, by the claim that has it. */
  refersToVolume(node: string, name: string): boolean {
    const volume = this.#registry.builtin('', 'v1', 'persistentvolumes').collection.get(undefined, name)?.object;
    const claim = dig(volume, 'spec', 'claimRef');
    const [namespace, claimName] = [digString(claim, 'namespace'), digString(claim, 'name')];
    const claims = this.#registry.builtin('', 'v1', 'persistentvolumeclaims').collection;
    const holder = claims.get(namespace, claimName)?.object;
    if (digString(holder, 'spec', 'volumeName') !== name) return false;
    return this.refers(node, 'persistentvolumeclaims', namespace, claimName);
  }

  close(): void {
    this.#stop?.();
  }

  /** From the first question on: a cluster without nodes has no use for it. */
  #follow(): void {
    if (this.#stop !== undefined) return;
    const { collection } = this.#registry.builtin('', 'v1', 'pods');
    this.#stop = collection.subscribe(({ type, now, before }) => {
      if (before !== undefined) this.#count(before.object, -1);
      if (type === 'put') this.#count(now.object, 1);
    });
    for (const { object } of collection.list()) this.#count(object, 1);
  }

  #count(object: AnyObject, step: 1 | -1): void {
    const pod = object as Pod;
    const node = pod.spec?.nodeName ?? '';
    if (node === '' || pod.metadata?.annotations?.[MIRROR] !== undefined) return;
    for (const key of references(pod)) {
      const nodes = this.#nodes.get(key) ?? new Map<string, number>();
      const left = (nodes.get(node) ?? 0) + step;
      if (left > 0) nodes.set(node, left);
      else nodes.delete(node);
      if (nodes.size > 0) this.#nodes.set(key, nodes);
      else this.#nodes.delete(key);
    }
  }
}

/** Each once, however often the pod names it. */
function references(pod: Pod): Set<string> {
  const { namespace = '', name: podName = '' } = pod.metadata ?? {};
  const { spec } = pod;
  const found = new Set<string>();
  const note = (kind: Referred, name: string | undefined): void => {
    if (name !== undefined && name !== '') found.add(keyOf(kind, namespace, name));
  };
  note('serviceaccounts', spec?.serviceAccountName);
  for (const { name } of spec?.imagePullSecrets ?? []) note('secrets', name);
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec ?? {};
  for (const container of [...initContainers, ...containers, ...(ephemeralContainers as Container[])]) {
    for (const source of container.envFrom ?? []) noteEnv(source, note);
    for (const variable of container.env ?? []) noteVariable(variable, note);
  }
  for (const volume of spec?.volumes ?? []) noteVolume(volume, podName, note);
  return found;
}

type Note = (kind: Referred, name: string | undefined) => void;

function noteEnv({ configMapRef, secretRef }: EnvFromSource, note: Note): void {
  note('configmaps', configMapRef?.name);
  note('secrets', secretRef?.name);
}

function noteVariable({ valueFrom }: EnvVar, note: Note): void {
  note('configmaps', valueFrom?.configMapKeyRef?.name);
  note('secrets', valueFrom?.secretKeyRef?.name);
}

function noteVolume(volume: Volume, podName: string, note: Note): void {
  note('configmaps', volume.configMap?.name);
  note('secrets', volume.secret?.secretName);
  note('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral !== undefined) note('persistentvolumeclaims', `${podName}-${volume.name}`);
  for (const source of volume.projected?.sources ?? []) {
    note('configmaps', source.configMap?.name);
    note('secrets', source.secret?.name);
  }
  // Kinds of volumes that have a secret of their own.
  for (const each of ['csi', 'cephfs', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos', 'azureFile'] as const) {
    const source: unknown = volume[each];
    note('secrets', digString(source, 'secretRef', 'name'));
    note('secrets', digString(source, 'nodePublishSecretRef', 'name'));
    note('secrets', digString(source, 'secretName'));
  }
}
