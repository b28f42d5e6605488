// All filters in the order in which they are asked; the first that objects speaks for the node, as upstream.
// Knows their names only.
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';
import type { Check, ClusterChange, Filter, Rejection } from './filter.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { podAffinity } from './pod-affinity.ts';
import { ports } from './ports.ts';
import { resources } from './resources.ts';
import { spread } from './spread.ts';
import { taints } from './taints.ts';
import { unschedulable } from './unschedulable.ts';
import { volumes } from './volumes.ts';

/** Cheap ones that no eviction can help against come first: what they refuse need not be looked at for preemption. */
const filters: readonly Filter[] = [
  unschedulable,
  nodeName,
  taints,
  nodeAffinity,
  ports,
  resources,
  volumes,
  // Those that look at the whole cluster come last.
  spread,
  podAffinity,
];

/** Changes that may help a pod which these filters refused; another node may help any. */
export function changesThatHelp(names: ReadonlySet<string>): ReadonlySet<ClusterChange> {
  const helpful = filters.filter(({ name }) => names.has(name)).flatMap(({ helpedBy }) => helpedBy);
  return new Set<ClusterChange>(['node added', ...helpful]);
}

export interface Refusal extends Rejection {
  readonly filter: string;
}

/** All filters made ready for one pod. */
export interface Checks {
  /** Why no node will do at all, whatever it is. */
  readonly impossible?: { readonly filter: string; readonly reason: string };
  on(node: NodeInfo): Refusal | undefined;
  moved(pod: PodInfo, node: NodeInfo, by: 1 | -1): void;
}

export function prepareChecks(pod: PodInfo, cluster: ClusterView): Checks {
  const checks: Array<{ name: string; check: Check }> = [];
  let impossible: Checks['impossible'];
  for (const { name, prepare } of filters) {
    const check = prepare(pod, cluster);
    if (typeof check === 'string') impossible ??= { filter: name, reason: check };
    else if (check !== undefined) checks.push({ name, check });
  }
  return {
    ...(impossible === undefined ? {} : { impossible }),
    on(node) {
      for (const { name, check } of checks) {
        const rejection = check.on(node);
        if (rejection !== undefined) return { filter: name, ...rejection };
      }
      return undefined;
    },
    moved(other, node, by) {
      for (const { check } of checks) check.moved?.(other, node, by);
    },
  };
}
