// Makes clients forget endpoints that are no longer there: the one thing that the packet path writes and we do not.
// Lists the memories only when a Service port with affinity has lost an endpoint.
import type { Family } from '#lib/ip.ts';
import type { StaleMemory } from './family-table.ts';
import { affinityMaps, dialectOf } from './layout.ts';
import { isMissing, type Nft } from './nft.ts';
import { readMap } from './read-table.ts';

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
    const at = `${dialectOf(family).ip} ${table}`;
    const maps = affinityMaps(family, protocol);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const found = await Promise.all(maps.map(async (map) => await readMap(nft, family, table, map)));
      const lines = maps.flatMap((map, place) => {
        const keys = [...(found[place]?.keys() ?? [])].filter((key) => {
          const valid = validById.get(key.split(' . ')[1] ?? '');
          // Address and port stand in one map, or in two.
          const endpoint = found.map((elements) => elements.get(key) ?? '').join(' . ');
          return valid !== undefined && !valid.has(endpoint);
        });
        return keys.length === 0 ? [] : [`delete element ${at} ${map} { ${keys.join(', ')} }\n`];
      });
      if (lines.length === 0) break;
      try {
        await nft.transaction(lines.join(''));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }
}
