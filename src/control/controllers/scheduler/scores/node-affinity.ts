// Prefers nodes by the weights of the pod's preferred node affinity.
// Upstream: plugins/nodeaffinity.
import { termMatches } from '../../common/node-affinity.ts';
import { normalized, type Scorer } from './scorer.ts';

export const nodeAffinity: Scorer = {
  name: 'NodeAffinity',
  weight: 2,
  score({ pod }, nodes) {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    return normalized(
      nodes.map(({ node }) =>
        preferred.reduce((sum, { weight, preference }) => (termMatches(preference, node) ? sum + weight : sum), 0),
      ),
    );
  },
};
