// Taints that the pod does not tolerate.
// Upstream: plugins/tainttoleration.
import { untoleratedTaint } from '../state/tolerations.ts';
import { type Filter, hopeless } from './filter.ts';

export const taints: Filter = {
  name: 'TaintToleration',
  helpedBy: ['node taints'],
  prepare({ pod }) {
    return {
      on({ node }) {
        const taint = untoleratedTaint(pod, node);
        if (taint === undefined) return undefined;
        return hopeless(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
      },
    };
  },
};
