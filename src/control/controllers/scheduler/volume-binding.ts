// Claims that wait for their first consumer: gives each a volume, or tells its provisioner for which node to make one.
// Decides which volume; that the node will do has been decided. Upstream: plugins/volumebinding/binder.go.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';
import { builtin } from '#kube/api/resources.ts';
import type { ControllerContext } from '../controller.ts';
import { canServe } from './filters/volume-match.ts';
import { claimNames } from './filters/volumes.ts';
import type { ClusterView } from './state/cluster-state.ts';
import type { NodeInfo } from './state/node-info.ts';
import type { PodInfo } from './state/pod-info.ts';

const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/** Claims of the pod that no volume is bound to. */
export function openClaims(pod: PodInfo, cluster: Pick<ClusterView, 'claim'>): PersistentVolumeClaim[] {
  return claimNames(pod.pod).flatMap((name) => {
    const claim = cluster.claim(pod.namespace, name);
    return claim === undefined || claim.status?.phase === 'Bound' ? [] : [claim];
  });
}

/** Writes what makes the claims be bound; that they are is told by the claims themselves. */
export async function chooseVolumes(
  client: ControllerContext['client'],
  claims: readonly PersistentVolumeClaim[],
  { node, name: nodeName }: NodeInfo,
  cluster: Pick<ClusterView, 'volumes'>,
): Promise<void> {
  const taken = new Set<string>();
  for (const claim of claims) {
    const { name = '', namespace = '', uid } = claim.metadata ?? {};
    const volume = [...cluster.volumes()]
      .filter((each) => !taken.has(each.metadata?.name ?? '') && canServe(each, claim, node))
      .sort((a, b) => sizeOf(a) - sizeOf(b))[0];
    if (volume === undefined) {
      if (claim.metadata?.annotations?.[SELECTED_NODE] === nodeName) continue;
      const annotations = { [SELECTED_NODE]: nodeName };
      await client.patch(builtin('PersistentVolumeClaim'), name, namespace, 'merge', {
        metadata: { uid, annotations },
      });
      continue;
    }
    taken.add(volume.metadata?.name ?? '');
    if (volume.spec?.claimRef?.uid === uid) continue;
    const metadata = {
      resourceVersion: volume.metadata?.resourceVersion,
      annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' },
    };
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid };
    const patch = { metadata, spec: { claimRef } };
    await client.patch(builtin('PersistentVolume'), volume.metadata?.name ?? '', undefined, 'merge', patch);
  }
}

/** The smallest that does leaves the larger ones to others. */
function sizeOf({ spec }: PersistentVolume): number {
  return parseQuantity(spec?.capacity?.storage ?? '0').value();
}
