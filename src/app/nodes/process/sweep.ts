// Ends and removes everything that the nodes of an earlier run left, whoever of them crashed in which order.
// Knows where a data directory remembers it; starts nothing.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { DataDir } from '../../main/data-dir.ts';
import { sweepFabric } from '../fabric/fabric.ts';
import { killLeftover } from './node-process.ts';
import { sweepNode } from './places.ts';

/** How many processes had to be ended, and whether there was a network to remove. */
export async function sweepNodes(
  data: Pick<DataDir, 'nodes' | 'fabric'>,
  clock: Clock,
): Promise<{ processes: number; network: boolean }> {
  const names = existsSync(data.nodes) ? readdirSync(data.nodes) : [];
  const ended = await Promise.all(
    names.map(async (name) => {
      const node = (await killLeftover(join(data.nodes, name, 'process.json'))) ? 1 : 0;
      return node + (await sweepNode(join(data.nodes, name, 'data'), clock));
    }),
  );
  // Last: what runs in a namespace keeps it.
  const network = await sweepFabric(data.fabric, clock);
  return { processes: ended.reduce((sum, count) => sum + count, 0), network };
}
