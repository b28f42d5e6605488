// Which volumes or provisioners could give an unbound claim what it asks for.
// Pure. Upstream: component-helpers/storage/volume.
import type { Node, PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import { anyTermMatches } from '../state/node-affinity.ts';

const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** Whether the claim's class binds only once a node is chosen. */
export function waitsForConsumer(claim: PersistentVolumeClaim, cluster: Pick<ClusterView, 'storageClass'>): boolean {
  return cluster.storageClass(claim.spec?.storageClassName ?? '')?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** Whether a free volume satisfies the claim on the node. */
export function canServe(
  { metadata, spec, status }: PersistentVolume,
  claim: PersistentVolumeClaim,
  node: Node,
): boolean {
  if (spec === undefined || metadata?.deletionTimestamp !== undefined) return false;
  const wanted = claim.spec ?? {};
  const { claimRef } = spec;
  if (claimRef === undefined ? status?.phase !== 'Available' : !isFor(claimRef, claim)) return false;
  if ((spec.storageClassName ?? '') !== (wanted.storageClassName ?? '')) return false;
  if ((spec.volumeMode ?? 'Filesystem') !== (wanted.volumeMode ?? 'Filesystem')) return false;
  if (!(wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode))) return false;
  if (wanted.selector !== undefined && !labelSelectorMatches(wanted.selector, metadata?.labels)) return false;
  const size = parseQuantity(wanted.resources?.requests?.storage ?? '0').value();
  if (parseQuantity(spec.capacity?.storage ?? '0').value() < size) return false;
  const required = spec.nodeAffinity?.required;
  return required === undefined || anyTermMatches(required.nodeSelectorTerms, node);
}

function isFor(ref: { name?: string; namespace?: string; uid?: string }, { metadata }: PersistentVolumeClaim): boolean {
  if (ref.name !== metadata?.name || ref.namespace !== metadata?.namespace) return false;
  return ref.uid === undefined || ref.uid === '' || ref.uid === metadata?.uid;
}

/** Whether the class can make a volume for the node. */
export function topologyAllows({ provisioner, allowedTopologies = [] }: StorageClass, node: Node): boolean {
  if (provisioner === NO_PROVISIONER) return false;
  if (allowedTopologies.length === 0) return true;
  const labels = node.metadata?.labels ?? {};
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')),
  );
}
