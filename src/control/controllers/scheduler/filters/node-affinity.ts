// nodeSelector and required node affinity.
// Upstream: plugins/nodeaffinity.
import { wantsNode } from '../../common/node-affinity.ts';
import { type Filter, hopeless } from './filter.ts';

export const nodeAffinity: Filter = {
  name: 'NodeAffinity',
  helpedBy: ['node labels'],
  prepare({ pod }) {
    return {
      on: ({ node }) =>
        wantsNode(pod, node) ? undefined : hopeless("node(s) didn't match Pod's node affinity/selector"),
    };
  },
};
