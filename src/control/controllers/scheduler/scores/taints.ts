// Prefers nodes with fewer PreferNoSchedule taints that the pod does not tolerate.
// Upstream: plugins/tainttoleration.
import { tolerates } from '../../common/tolerations.ts';
import { normalized, type Scorer } from './scorer.ts';

export const taints: Scorer = {
  name: 'TaintToleration',
  weight: 3,
  score({ pod }, nodes) {
    const counts = nodes.map(
      ({ node }) =>
        (node.spec?.taints ?? []).filter(
          (taint) => taint.effect === 'PreferNoSchedule' && !tolerates(pod.spec?.tolerations, taint),
        ).length,
    );
    return normalized(counts, true);
  },
};
