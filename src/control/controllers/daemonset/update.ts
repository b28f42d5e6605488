// A DaemonSet's rolling update: which old pods go, and which nodes get a new one beside the old.
// Pure; sees one entry a node. Upstream: rollingUpdate in pkg/controller/daemon/update.go.
import { resolve } from '../deployment/arithmetic.ts';

export interface OnePod {
  readonly name: string;
  /** Ready for minReadySeconds. */
  readonly available: boolean;
}

/** Pods of one node; those that are being deleted are not among them. */
export interface NodePods {
  readonly node: string;
  /** The set wants a pod there. */
  readonly wanted: boolean;
  /** Of the present template. */
  readonly fresh: readonly OnePod[];
  /** Of an earlier template. */
  readonly old: readonly OnePod[];
}

export interface Limits {
  readonly surge: number;
  readonly unavailable: number;
}

export interface Update {
  /** Names of pods. */
  readonly remove: readonly string[];
  /** Names of nodes. */
  readonly create: readonly string[];
}

type Rolling = { maxSurge?: number | string; maxUnavailable?: number | string } | undefined;

/** In pods, both rounded up. When both come out as 0 nothing could move, so one may be unavailable. */
export function limits(rolling: Rolling, desired: number): Limits {
  const surge = resolve(rolling?.maxSurge ?? 0, desired, 'up');
  const unavailable = resolve(rolling?.maxUnavailable ?? 1, desired, 'up');
  return surge === 0 && unavailable === 0 ? { surge: 0, unavailable: 1 } : { surge, unavailable };
}

export function updateStep(nodes: readonly NodePods[], { surge, unavailable }: Limits): Update {
  return surge === 0 ? inPlace(nodes, unavailable) : besideTheOld(nodes, surge);
}

/** Deletes as many old pods as may be missing; what comes after them is not decided here. */
function inPlace(nodes: readonly NodePods[], maxUnavailable: number): Update {
  let unavailable = 0;
  const idle: string[] = [];
  const serving: string[] = [];
  for (const { wanted, fresh, old } of nodes) {
    const [pod] = old;
    if (fresh.length + old.length !== 1 || pod === undefined) {
      // Nobody there, too many, or one that is up to date.
      const up = fresh.length === 1 && old.length === 0 && fresh[0]?.available === true;
      unavailable += Number(!up && (wanted || fresh.length + old.length > 0));
    } else if (pod.available) serving.push(pod.name);
    else {
      // It serves nobody, so it goes whatever the budget says.
      unavailable++;
      idle.push(pod.name);
    }
  }
  return { remove: [...idle, ...serving.slice(0, Math.max(0, maxUnavailable - unavailable))], create: [] };
}

/** Puts new pods beside old ones, and takes the old away once the new are available. */
function besideTheOld(nodes: readonly NodePods[], maxSurge: number): Update {
  let surging = 0;
  let available = 0;
  const remove: string[] = [];
  const strays: string[] = [];
  const free: string[] = [];
  const candidates: string[] = [];
  for (const { node, wanted, fresh, old } of nodes) {
    if (fresh.length > 1 || old.length > 1) {
      surging++;
      continue;
    }
    const [young] = fresh;
    const [elder] = old;
    if ((elder ?? young)?.available === true) available++;
    if (elder === undefined) continue;
    if (young === undefined) {
      if (!elder.available) (wanted ? free : remove).push(wanted ? node : elder.name);
      else if (wanted) candidates.push(node);
      else strays.push(elder.name);
    } else if (young.available) remove.push(elder.name);
    else surging++;
  }
  // A pod on a node that has become the wrong one stays until another stands in for it.
  const spare = Math.max(0, available - nodes.filter(({ wanted }) => wanted).length);
  return {
    remove: [...remove, ...strays.slice(0, spare)],
    create: [...free, ...candidates.slice(0, Math.max(0, maxSurge - surging))],
  };
}
