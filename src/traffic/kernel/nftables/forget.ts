// Makes clients forget endpoints that are no longer there: the one thing that the packet path writes and we do not.
// Lists the memories only when a Service port with affinity has lost an endpoint.
import type { Family } from '#lib/ip.ts';
import type { StaleMemory } from './family-table.ts';
import { affinityMap, dialectOf } from './layout.ts';
import { isMissing, type Nft } from './nft.ts';
import { readMemories } from './read-table.ts';

/** A memory may end by itself between the listing and the deletion; then the rest is tried again. */
const MOST_ROUNDS = 10;

export async function forgetClients(
  nft: Nft,
  family: Family,
  table: string,
  stale: readonly StaleMemory[],
): Promise<void> {
  for (const [protocol, memories] of Map.groupBy(stale, (memory) => memory.protocol)) {
    const validById = new Map(memories.map(({ id, valid }) => [String(id), valid]));
    const at = `${dialectOf(family).ip} ${table} ${affinityMap(protocol)}`;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const keys = [...(await readMemories(nft, family, table, protocol))].flatMap(([key, endpoint]) => {
        const valid = validById.get(key.split(' . ')[1] ?? '');
        return valid === undefined || valid.has(endpoint) ? [] : [key];
      });
      if (keys.length === 0) break;
      try {
        await nft.transaction(`delete element ${at} { ${keys.join(', ')} }\n`);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }
}
