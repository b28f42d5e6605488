// What a change of a node or a placed pod may mean for pods that wait.
// Pure; heartbeats mean nothing.
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { semanticallyEqual } from '../common/canonical.ts';
import type { ClusterChange } from './filters/filter.ts';
import { isPlaced } from './pending.ts';
import { podInfo } from './state/pod-info.ts';

export function nodeChanges(now: Node | undefined, before: Node | undefined): ClusterChange[] {
  if (now === undefined) return [];
  if (before === undefined) return ['node added'];
  const changes: ClusterChange[] = [];
  if (!semanticallyEqual(now.status?.allocatable, before.status?.allocatable)) changes.push('node resources');
  if (!semanticallyEqual(now.metadata?.labels, before.metadata?.labels)) changes.push('node labels');
  if (!semanticallyEqual(taintsOf(now), taintsOf(before))) changes.push('node taints');
  return changes;
}

function taintsOf({ spec, status }: Node): unknown {
  return [spec?.taints, spec?.unschedulable, status?.conditions?.find(({ type }) => type === 'Ready')?.status];
}

export function podChange(now: Pod | undefined, before: Pod | undefined): ClusterChange | undefined {
  const [is, was] = [now !== undefined && isPlaced(now), before !== undefined && isPlaced(before)];
  if (was && !is) return 'pod gone';
  if (is && !was) return 'pod placed';
  if (!is || now === undefined || before === undefined) return undefined;
  if (now.metadata?.uid !== before.metadata?.uid) return 'pod gone';
  // Resized in place.
  if (!semanticallyEqual(podInfo(now).requests, podInfo(before).requests)) return 'pod gone';
  const [labels, earlier] = [now, before].map(({ metadata }) => [metadata?.labels, metadata?.deletionTimestamp]);
  return semanticallyEqual(labels, earlier) ? undefined : 'pod labels';
}
