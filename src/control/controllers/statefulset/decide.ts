// What a StatefulSet does next, given how its pods stand: order, scale, partition and maxUnavailable.
// Pure; sees states of pods, not pods. Upstream: stateful_set_control.go.

export interface PodState {
  readonly ordinal: number;
  /** Made from the update revision. */
  readonly updated: boolean;
  /** Succeeded or Failed. */
  readonly finished: boolean;
  readonly terminating: boolean;
  /** Running and Ready. */
  readonly ready: boolean;
  /** Ready for minReadySeconds. */
  readonly available: boolean;
}

export interface Situation {
  readonly replicas: number;
  /** `spec.ordinals.start` */
  readonly start: number;
  readonly parallel: boolean;
  readonly onDelete: boolean;
  /** Pods with an ordinal below `start + partition` keep the current revision. */
  readonly partition: number;
  /** At least 1. */
  readonly maxUnavailable: number;
  readonly pods: readonly PodState[];
}

export type Step =
  | { readonly do: 'create'; readonly ordinal: number }
  /** A finished pod makes room for its successor. */
  | { readonly do: 'replace'; readonly ordinal: number }
  | { readonly do: 'scale-down'; readonly ordinal: number }
  | { readonly do: 'update'; readonly ordinal: number };

/** Steps that may all be taken now; what they bring about decides the next ones. */
export function nextSteps(situation: Situation): Step[] {
  const { parallel, onDelete } = situation;
  const wanted = ordinals(situation);
  const byOrdinal = new Map(situation.pods.map((pod) => [pod.ordinal, pod]));
  const filling = fill(wanted, byOrdinal, parallel);
  if (filling.blocked) return filling.steps;
  const condemned = situation.pods
    .filter(({ ordinal }) => !wanted.includes(ordinal))
    .sort((a, b) => b.ordinal - a.ordinal);
  const shrinking = shrink(condemned, firstUnhealthy(situation), parallel);
  const steps = [...filling.steps, ...shrinking.steps];
  if (shrinking.blocked || onDelete || filling.steps.length > 0) return steps;
  return [...steps, ...roll(situation, wanted, byOrdinal)];
}

export function ordinals({ replicas, start }: Pick<Situation, 'replicas' | 'start'>): number[] {
  return Array.from({ length: replicas }, (_, index) => start + index);
}

interface Outcome {
  readonly steps: Step[];
  /** Nothing further may happen before this has. */
  readonly blocked: boolean;
}

function fill(wanted: readonly number[], pods: ReadonlyMap<number, PodState>, parallel: boolean): Outcome {
  const steps: Step[] = [];
  let blocked = false;
  for (const ordinal of wanted) {
    const pod = pods.get(ordinal);
    if (pod === undefined) steps.push({ do: 'create', ordinal });
    else if (pod.finished) {
      blocked = true;
      if (!pod.terminating) steps.push({ do: 'replace', ordinal });
    } else if (!pod.terminating && pod.available) continue;
    // In order means: nobody before all its predecessors are there and available.
    if (!parallel) return { steps, blocked: true };
  }
  return { steps, blocked };
}

function firstUnhealthy({ pods }: Situation): number | undefined {
  const unhealthy = pods.filter((pod) => !pod.ready || pod.terminating).map(({ ordinal }) => ordinal);
  return unhealthy.length === 0 ? undefined : Math.min(...unhealthy);
}

/**
 * From the highest down; in order, one at a time, and none while another than itself is unhealthy. A finished pod goes
 * all the same: upstream waits for it to become ready, which it never will when there are two of them.
 */
function shrink(condemned: readonly PodState[], unhealthy: number | undefined, parallel: boolean): Outcome {
  const steps: Step[] = [];
  for (const pod of condemned) {
    if (pod.terminating) {
      if (!parallel) return { steps, blocked: true };
      continue;
    }
    if (!parallel && !pod.available && !pod.finished && pod.ordinal !== unhealthy) return { steps, blocked: true };
    steps.push({ do: 'scale-down', ordinal: pod.ordinal });
    if (!parallel) return { steps, blocked: true };
  }
  return { steps, blocked: false };
}

function roll(situation: Situation, wanted: readonly number[], pods: ReadonlyMap<number, PodState>): Step[] {
  const { partition, maxUnavailable, start, parallel } = situation;
  const candidates = wanted.flatMap((ordinal) => pods.get(ordinal) ?? []).reverse();
  const old = (pod: PodState): boolean => !pod.updated && !pod.terminating && pod.ordinal >= start + partition;
  const update = ({ ordinal }: PodState): Step => ({ do: 'update', ordinal });
  if (maxUnavailable <= 1) {
    for (const pod of candidates) {
      if (pod.ordinal < start + partition) return [];
      if (old(pod)) return [update(pod)];
      if (!isAvailable(pod)) return [];
    }
    return [];
  }
  const unavailable = candidates.filter((pod) => !isAvailable(pod));
  // What serves nobody anyway can go without making anything worse.
  const free = parallel ? unavailable.filter(old) : [];
  const budget = Math.max(0, maxUnavailable - unavailable.length);
  return [...free, ...candidates.filter((pod) => old(pod) && isAvailable(pod)).slice(0, budget)].map(update);
}

function isAvailable(pod: PodState): boolean {
  return pod.available && !pod.terminating;
}

/** Whether a new pod gets the current revision rather than the update revision. */
export function keepsCurrentRevision(
  { onDelete, partition, start }: Pick<Situation, 'onDelete' | 'partition' | 'start'>,
  /** undefined: the strategy has no settings, and the pods not yet updated are counted instead. */
  currentReplicas: number | undefined,
  ordinal: number,
): boolean {
  if (onDelete) return false;
  return ordinal < start + (currentReplicas ?? partition);
}
