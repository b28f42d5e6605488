// The node that the pod names, and no other.
// Upstream: plugins/nodename.
import { type Filter, hopeless } from './filter.ts';

export const nodeName: Filter = {
  name: 'NodeName',
  helpedBy: [],
  prepare({ pod }) {
    const wanted = pod.spec?.nodeName ?? '';
    if (wanted === '') return undefined;
    return {
      on: ({ name }) => (name === wanted ? undefined : hopeless("node(s) didn't match the requested node name")),
    };
  },
};
