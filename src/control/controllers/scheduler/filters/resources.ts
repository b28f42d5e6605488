// Requests against what is left of a node's allocatable resources, and the number of its pods.
// Upstream: plugins/noderesources/fit.go.
import type { Filter } from './filter.ts';

export const resources: Filter = {
  name: 'NodeResourcesFit',
  helpedBy: ['node resources', 'pod gone'],
  prepare({ requests }) {
    const wanted = Object.entries(requests).filter(([, amount]) => amount > 0);
    return {
      on({ allocatable, requested, size }) {
        // Every resource that is short is named, so that one event tells the whole story.
        const reasons = size + 1 > (allocatable.pods ?? 0) ? ['Too many pods'] : [];
        let beyond = (allocatable.pods ?? 0) < 1;
        for (const [name, amount] of wanted) {
          const total = allocatable[name] ?? 0;
          if (amount <= total - (requested[name] ?? 0)) continue;
          reasons.push(`Insufficient ${name}`);
          // Not even the empty node has it.
          if (amount > total) beyond = true;
        }
        return reasons.length === 0 ? undefined : { reasons, hopeless: beyond };
      },
    };
  },
};
