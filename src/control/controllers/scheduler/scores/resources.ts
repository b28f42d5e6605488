// Prefers nodes that are left emptiest, and those whose CPU and memory fill evenly.
// Upstream: noderesources/least_allocated.go and balanced_allocation.go.
import type { NodeInfo } from '../state/node-info.ts';
import { MAX_SCORE, type Scorer } from './scorer.ts';

const RESOURCES = ['cpu', 'memory'] as const;

export const leastAllocated: Scorer = {
  name: 'NodeResourcesFit',
  weight: 1,
  score: (pod, nodes) =>
    nodes.map(({ allocatable, scoring }) => {
      let sum = 0;
      let counted = 0;
      for (const name of RESOURCES) {
        const total = allocatable[name] ?? 0;
        if (total <= 0) continue;
        const free = total - (scoring[name] ?? 0) - (pod.scoring[name] ?? 0);
        sum += free < 0 ? 0 : Math.floor((free * MAX_SCORE) / total);
        counted++;
      }
      return counted === 0 ? 0 : Math.floor(sum / counted);
    }),
};

export const balanced: Scorer = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  score(pod, nodes) {
    // A pod that asks for nothing unbalances nothing.
    if (RESOURCES.every((name) => (pod.requests[name] ?? 0) === 0)) return undefined;
    return nodes.map((node) => {
      const shares = RESOURCES.flatMap((name) => share(node, name, pod.requests[name] ?? 0));
      const [a = 0, b = a] = shares;
      // The standard deviation of two numbers.
      return Math.floor((1 - Math.abs(a - b) / 2) * MAX_SCORE);
    });
  },
};

function share({ allocatable, requested }: NodeInfo, name: string, more: number): number[] {
  const total = allocatable[name] ?? 0;
  return total <= 0 ? [] : [Math.min(1, ((requested[name] ?? 0) + more) / total)];
}
