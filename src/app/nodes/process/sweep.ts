// Ends and removes everything that the nodes of an earlier run left, whoever of them crashed in which order.
// Knows where a data directory remembers it; starts nothing.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Released, releaseLeft } from '#kube/kubelet/network/release-left.ts';
import type { Clock } from '#lib/clock.ts';
import type { DataDir } from '../../main/data-dir.ts';
import { sweepFabric } from '../fabric/fabric.ts';
import { killLeftover } from './node-process.ts';
import { sweepNode } from './places.ts';

export interface Swept {
  /** That had to be ended. */
  readonly processes: number;
  /** Whether there was one to remove. */
  readonly network: boolean;
  /** What plugins of others were told of the pods that there were, over all nodes. */
  readonly plugins: Released;
}

export async function sweepNodes(data: Pick<DataDir, 'nodes' | 'fabric'>, clock: Clock): Promise<Swept> {
  const names = existsSync(data.nodes) ? readdirSync(data.nodes) : [];
  const ended = await Promise.all(
    names.map(async (name) => {
      const node = (await killLeftover(join(data.nodes, name, 'process.json'))) ? 1 : 0;
      return node + (await sweepNode(join(data.nodes, name, 'data'), clock));
    }),
  );
  // While their namespaces are there, and nothing runs in them that could ask for more.
  const told = await Promise.all(
    names.map((name) =>
      releaseLeft({
        stateDir: join(data.nodes, name, 'data', 'network'),
        // Nodes of a fabric name what is theirs after their namespace.
        nodeNetns: (owner) => `/run/netns/${owner}`,
        clock,
      }),
    ),
  );
  const plugins = {
    released: told.reduce((sum, { released }) => sum + released, 0),
    kept: told.reduce((sum, { kept }) => sum + kept, 0),
    why: told.flatMap(({ why }) => why),
  };
  // Last: what runs in a namespace keeps it.
  const network = await sweepFabric(data.fabric, clock);
  return { processes: ended.reduce((sum, count) => sum + count, 0), network, plugins };
}
