// Host ports that are taken.
// Upstream: plugins/nodeports.
import { portsClash } from '../state/host-ports.ts';
import { type Filter, resolvable } from './filter.ts';

export const ports: Filter = {
  name: 'NodePorts',
  helpedBy: ['pod gone'],
  prepare({ ports: wanted }) {
    if (wanted.length === 0) return undefined;
    return {
      on(node) {
        for (const pod of node.pods()) {
          if (pod.ports.some((taken) => wanted.some((port) => portsClash(port, taken))))
            return resolvable("node(s) didn't have free ports for the requested pod ports");
        }
        return undefined;
      },
    };
  },
};
