// A pod with everything that filters and scores ask of it, worked out once.
// Pure; one for each pod object, which never changes.
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from 'kubernetes-types/core/v1.js';
import type { LabelQuery, Labels } from '#kube/api/selector.ts';
import { type AffinityTerm, affinityTerm, type WeightedTerm, withLabelKeys } from './affinity-term.ts';
import { type HostPort, hostPorts } from './host-ports.ts';
import { type Amounts, podRequests, scoringRequests } from './requests.ts';

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** DoNotSchedule; otherwise ScheduleAnyway. */
  readonly hard: boolean;
  /** Undefined selects nothing. */
  readonly query: LabelQuery | undefined;
  readonly text: string;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

export interface PodInfo {
  readonly pod: Pod;
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly terminating: boolean;
  readonly requests: Amounts;
  readonly scoring: Amounts;
  readonly ports: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
  readonly spread: readonly SpreadConstraint[];
}

const known = new WeakMap<Pod, PodInfo>();

export function podInfo(pod: Pod): PodInfo {
  const made = known.get(pod);
  if (made !== undefined) return made;
  const info = build(pod);
  known.set(pod, info);
  return info;
}

function build(pod: Pod): PodInfo {
  const { metadata = {}, spec } = pod;
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const terms = (list: readonly PodAffinityTerm[] | undefined): AffinityTerm[] =>
    (list ?? []).map((term) => affinityTerm(pod, term));
  const weighted = (list: readonly WeightedPodAffinityTerm[] | undefined, sign: number): WeightedTerm[] =>
    (list ?? []).map((each) => ({ term: affinityTerm(pod, each.podAffinityTerm), weight: sign * each.weight }));
  const namespace = metadata.namespace ?? '';
  return {
    pod,
    key: `${namespace}/${metadata.name ?? ''}`,
    namespace,
    labels: metadata.labels ?? {},
    priority: spec?.priority ?? 0,
    terminating: metadata.deletionTimestamp !== undefined,
    requests: podRequests(pod),
    scoring: scoringRequests(pod),
    ports: hostPorts(pod),
    affinity: terms(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: terms(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
    spread: (spec?.topologySpreadConstraints ?? []).map((constraint) => {
      const query = withLabelKeys(constraint.labelSelector, pod, constraint.matchLabelKeys);
      return {
        topologyKey: constraint.topologyKey,
        maxSkew: constraint.maxSkew,
        minDomains: constraint.minDomains ?? 1,
        hard: constraint.whenUnsatisfiable === 'DoNotSchedule',
        query,
        text: selectionText(namespace, query),
        honorAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
        honorTaints: constraint.nodeTaintsPolicy === 'Honor',
      };
    }),
  };
}

/** Names a selection of pods, for counts that are kept. */
export function selectionText(namespace: string, query: LabelQuery | undefined): string {
  return `spread ${namespace}|${query ?? 'none'}`;
}
