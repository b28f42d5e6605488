// The tables that iptables keeps in nftables: iptables makes one when it is first written to, and never takes it away.
// Removes what holds nothing any more; where the tables are of the older kind, or `nft` is not there, they stay.
import type { Family } from '#lib/ip.ts';
import { createNft, type Nft, NftError } from '../nftables/nft.ts';
import type { TableName } from './port-chains.ts';

const WORD: Readonly<Record<Family, 'ip' | 'ip6'>> = { IPv4: 'ip', IPv6: 'ip6' };

export class EmptyTables {
  readonly #nft: Nft;

  constructor(netns: string | undefined) {
    this.#nft = createNft(netns);
  }

  /** Names of the tables that are there; undefined when nobody can say. */
  async there(family: Family): Promise<ReadonlySet<string> | undefined> {
    try {
      const objects = (await this.#nft.list('chains', WORD[family])) ?? [];
      return new Set(objects.flatMap(({ chain }) => (chain === undefined ? [] : [String(chain.table)])));
    } catch (error) {
      if (error instanceof NftError) return undefined;
      throw error;
    }
  }

  /** Removes the table when it has no rule, no chain of anybody's, and lets everything pass. */
  async remove(family: Family, table: TableName): Promise<void> {
    const at = `${WORD[family]} ${table}`;
    try {
      const objects = await this.#nft.list('table', WORD[family], table);
      const holds = (objects ?? []).some(({ rule, set, map }) => (rule ?? set ?? map) !== undefined);
      const chains = (objects ?? []).flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
      if (objects === undefined || holds || chains.some(({ policy }) => policy !== 'accept')) return;
      // A chain that somebody has written to meanwhile cannot be deleted, and so nothing is.
      const lines = [...chains.map(({ name }) => `delete chain ${at} ${name}`), `delete table ${at}`];
      await this.#nft.transaction(`${lines.join('\n')}\n`);
    } catch (error) {
      // It holds nothing, so that it may as well stay.
      if (!(error instanceof NftError)) throw error;
    }
  }
}
