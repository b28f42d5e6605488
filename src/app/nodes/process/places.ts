// Where the nodes of a cluster are: in network namespaces on a fabric, or side by side on the loopback device.
// Knows how a place is made, cut off and cleared; starts no process.
import { existsSync } from 'node:fs';
import { sweepEngine } from '#kube/kubelet/engine/left.ts';
import { sweepLeftovers } from '#kube/kubelet/process/leftovers.ts';
import type { Clock } from '#lib/clock.ts';
import type { Fabric } from '../fabric/fabric.ts';
import type { PlannedNode } from '../fabric/plan.ts';
import { nodeNetns } from '../fabric/scripts.ts';
import { namespaced } from './node-command.ts';

export interface NodePlace {
  /** Makes it anew, whatever is left of before. */
  make(node: PlannedNode): Promise<void>;
  /** The command as it runs there. */
  wrap(node: PlannedNode, command: readonly string[]): readonly string[];
  /** Before the node is killed: it is not to say good-bye to anybody. */
  cut(node: PlannedNode): Promise<void>;
  /** Once its process has ended, in whatever way: nothing of it or of its pods stays. */
  clear(node: PlannedNode): Promise<void>;
}

export function fabricPlace(fabric: Fabric, dataDirOf: (node: string) => string, clock: Clock): NodePlace {
  return {
    make: (node) => fabric.addNode(node),
    wrap: (node, command) => namespaced(nodeNetns(fabric.plan, node.name), command),
    cut: (node) => fabric.cutNode(node.name),
    clear: async ({ name }) => {
      await sweepNode(dataDirOf(name), clock);
      await fabric.removeNode(name);
    },
  };
}

export function loopbackPlace(dataDirOf: (node: string) => string, clock: Clock): NodePlace {
  return {
    make: async () => {},
    wrap: (_, command) => command,
    cut: async () => {},
    clear: async ({ name }) => void (await sweepNode(dataDirOf(name), clock)),
  };
}

/** Ends the pods of a node whose kubelet is no more, and removes their groups; how many processes there were. */
export async function sweepNode(dataDir: string, clock: Clock): Promise<number> {
  if (!existsSync(dataDir)) return 0;
  const [processes, containers] = await Promise.all([sweepLeftovers(dataDir, clock), sweepEngine(dataDir, clock)]);
  return processes + containers;
}
