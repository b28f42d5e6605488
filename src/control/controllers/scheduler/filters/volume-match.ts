// Which volumes or provisioners could give an unbound claim what it asks for.
// Pure. Upstream: component-helpers/storage/volume.
import type { Node, PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { anyTermMatches } from '../../common/node-affinity.ts';
import { isFor, mismatch } from '../../common/volumes.ts';
import type { ClusterView } from '../state/cluster-state.ts';

const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** Whether the claim's class binds only once a node is chosen. */
export function waitsForConsumer(claim: PersistentVolumeClaim, cluster: Pick<ClusterView, 'storageClass'>): boolean {
  return cluster.storageClass(claim.spec?.storageClassName ?? '')?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** Whether a free volume satisfies the claim on the node. */
export function canServe(volume: PersistentVolume, claim: PersistentVolumeClaim, node: Node): boolean {
  const { metadata, spec, status } = volume;
  if (spec === undefined || metadata?.deletionTimestamp !== undefined) return false;
  if (spec.claimRef === undefined ? status?.phase !== 'Available' : !isFor(volume, claim)) return false;
  if (mismatch(volume, claim) !== undefined) return false;
  const selector = claim.spec?.selector;
  if (selector !== undefined && !labelSelectorMatches(selector, metadata?.labels)) return false;
  const required = spec.nodeAffinity?.required;
  return required === undefined || anyTermMatches(required.nodeSelectorTerms, node);
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
