// Claims of a pod: bound ones tie it to nodes, unbound ones make it wait or let the node choose.
// Upstream: plugins/volumebinding, plugins/volumerestrictions (ReadWriteOncePod).
import type { PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import { anyTermMatches } from '../../common/node-affinity.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import { type Filter, hopeless, resolvable } from './filter.ts';
import { canServe, topologyAllows, waitsForConsumer } from './volume-match.ts';

export const volumes: Filter = {
  name: 'VolumeBinding',
  helpedBy: ['node labels', 'pod gone', 'storage'],
  prepare({ pod, key, namespace }, cluster) {
    const names = claimNames(pod);
    if (names.length === 0) return undefined;
    const bound: PersistentVolume[] = [];
    const open: PersistentVolumeClaim[] = [];
    const exclusive = new Set<string>();
    for (const name of names) {
      const claim = cluster.claim(namespace, name);
      if (claim === undefined) return `persistentvolumeclaim ${JSON.stringify(name)} not found`;
      if (claim.metadata?.deletionTimestamp !== undefined)
        return `persistentvolumeclaim ${JSON.stringify(name)} is being deleted`;
      if (claim.status?.phase === 'Lost')
        return `persistentvolumeclaim ${JSON.stringify(name)} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? '')}`;
      if (claim.spec?.accessModes?.includes('ReadWriteOncePod') === true) exclusive.add(name);
      const volumeName = claim.spec?.volumeName ?? '';
      if (volumeName !== '' && claim.status?.phase === 'Bound') {
        const volume = cluster.volume(volumeName);
        if (volume === undefined) return `persistentvolume ${JSON.stringify(volumeName)} not found`;
        bound.push(volume);
      } else if (volumeName === '' && waitsForConsumer(claim, cluster)) open.push(claim);
      else return 'pod has unbound immediate PersistentVolumeClaims';
    }
    return {
      on(node) {
        const away = bound.some(({ spec }) => {
          const required = spec?.nodeAffinity?.required;
          return required !== undefined && !anyTermMatches(required.nodeSelectorTerms, node.node);
        });
        if (away) return hopeless("node(s) didn't match PersistentVolume's node affinity");
        if (open.some((claim) => !bindable(claim, node.node, cluster)))
          return hopeless("node(s) didn't find available persistent volumes to bind");
        if (exclusive.size === 0) return undefined;
        for (const other of node.pods()) {
          if (other.namespace !== namespace || other.key === key) continue;
          if (claimNames(other.pod).some((name) => exclusive.has(name)))
            return resolvable(
              'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
            );
        }
        return undefined;
      },
    };
  },
};

function bindable(
  claim: PersistentVolumeClaim,
  node: Parameters<typeof topologyAllows>[1],
  cluster: ClusterView,
): boolean {
  const selected = claim.metadata?.annotations?.['volume.kubernetes.io/selected-node'];
  // A provisioner is at work for that node already.
  if (selected !== undefined) return selected === node.metadata?.name;
  if (cluster.volumes().some((volume) => canServe(volume, claim, node))) return true;
  const storageClass = cluster.storageClass(claim.spec?.storageClassName ?? '');
  return storageClass !== undefined && topologyAllows(storageClass, node);
}

/** With those of ephemeral volumes, which are named after pod and volume. */
export function claimNames({ metadata, spec }: Pod): string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${metadata?.name ?? ''}-${name}`];
  });
}
