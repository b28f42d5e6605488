// Whether evicting pods of lower priority would make room for one that fits nowhere, and which.
// Pure; the loop evicts. Upstream: framework/preemption.
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { prepareChecks } from '../filters/index.ts';
import type { Unfit } from '../find-node.ts';
import { unfitMessage } from '../message.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';
import { pickCandidate } from './pick.ts';
import { type Candidate, victimsOn } from './victims.ts';

const NOT_HELPFUL = 'Preemption is not helpful for scheduling';
export const PREEMPTED = 'PreemptionByScheduler';

export type Preemption =
  | { readonly candidate: Candidate; readonly message?: undefined }
  /** `wait` when victims of an earlier preemption are still going: the promise of the node stands. */
  | { readonly candidate?: undefined; readonly message: string; readonly wait: boolean };

export function findVictims(
  pod: PodInfo,
  unfit: Unfit,
  cluster: ClusterView,
  budgets: readonly PodDisruptionBudget[],
  random: () => number,
): Preemption {
  if (pod.pod.spec?.preemptionPolicy === 'Never')
    return { message: 'not eligible due to preemptionPolicy=Never.', wait: false };
  if (victimsAreGoing(pod, unfit, cluster))
    return { message: 'not eligible due to a terminating pod on the nominated node.', wait: true };

  const { nodes } = cluster;
  const reasons = new Map<string, readonly string[]>(nodes.map(({ name }) => [name, [NOT_HELPFUL]]));
  const helpful = nodes.filter(({ name }) => unfit.refusals.get(name)?.hopeless === false);
  const candidates: Candidate[] = [];
  if (helpful.length > 0) {
    const checks = prepareChecks(pod, cluster);
    // As many as upstream looks at; from anywhere, so that no node pays for all.
    const enough = Math.max(100, Math.floor(nodes.length / 10));
    const offset = Math.floor(random() * helpful.length);
    for (let i = 0; i < helpful.length && candidates.length < enough; i++) {
      const node = helpful[(offset + i) % helpful.length] as NodeInfo;
      const found = victimsOn(pod, node, checks, cluster, budgets);
      if ('victims' in found) candidates.push(found);
      else reasons.set(node.name, found);
    }
  }
  const candidate = pickCandidate(candidates);
  return candidate === undefined
    ? { message: unfitMessage(nodes.length, reasons.values()), wait: false }
    : { candidate };
}

function victimsAreGoing(pod: PodInfo, { refusals }: Unfit, cluster: ClusterView): boolean {
  const nominated = cluster.nominations.nodeOf(pod.key);
  const node = nominated === undefined ? undefined : cluster.node(nominated);
  // What keeps it off its node now is not what leaves.
  if (node === undefined || refusals.get(node.name)?.hopeless !== false) return false;
  for (const other of node.pods()) {
    if (other.terminating && other.priority < pod.priority && wasPreempted(other)) return true;
  }
  return false;
}

function wasPreempted({ pod }: PodInfo): boolean {
  return (
    pod.status?.conditions?.some(
      ({ type, status, reason }) => type === 'DisruptionTarget' && status === 'True' && reason === PREEMPTED,
    ) ?? false
  );
}
