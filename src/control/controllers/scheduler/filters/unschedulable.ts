// Keeps pods off cordoned nodes.
// Upstream: plugins/nodeunschedulable.
import { tolerates } from '../../common/tolerations.ts';
import { type Filter, hopeless } from './filter.ts';

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const unschedulable: Filter = {
  name: 'NodeUnschedulable',
  helpedBy: ['node taints'],
  prepare({ pod }) {
    if (tolerates(pod.spec?.tolerations, TAINT)) return undefined;
    return {
      on: ({ node }) => (node.spec?.unschedulable === true ? hopeless('node(s) were unschedulable') : undefined),
    };
  },
};
