// The programs iptables-save and iptables-restore, of either family, in a network namespace.
// Knows text and exit codes; what the text says is the driver's matter.
import type { Family } from '#lib/ip.ts';
import { programsIn } from '../programs.ts';
import type { TableName } from './port-chains.ts';
import { parseSaved, type SavedTable } from './table-state.ts';
import { dialectOf } from './words.ts';

/**
 * Chains that a transaction should name at most. iptables-nft searches a list of them for each of its lines, so that
 * the 40,000 of 10,000 Services took minutes at once, and take a few seconds by some hundreds. The older iptables reads
 * and writes the whole table each time, and is quick to search it.
 */
const MOST_CHAINS = 400;

/** Seconds that another program may hold the lock of the older iptables. */
const LOCK_SECONDS = 5;

export interface IptablesCommands {
  save(family: Family, table: TableName, prefix: string): Promise<SavedTable>;
  /** Whether a chain of any table begins so, or is led to; makes no table that is not there. */
  mentions(family: Family, prefix: string): Promise<boolean>;
  /** How many chains a transaction should make or remove at most. */
  mostChains(family: Family): Promise<number>;
  /** One transaction. Rejects with what was refused. */
  restore(family: Family, text: string): Promise<void>;
}

/** `netns`: path of the network namespace to work in. */
export function iptablesCommands(netns?: string): IptablesCommands {
  const run = programsIn(netns);
  const must = async (program: string, args: readonly string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(program, args, input);
    if (code === 0) return stdout;
    throw new Error(`${program} failed: ${stderr.trim().slice(0, 300) || (code ?? 'a signal ended it')}`);
  };
  return {
    async save(family, table, ours) {
      return parseSaved(await must(dialectOf(family).save, ['-t', table]), ours);
    },
    async mentions(family, ours) {
      const { chains, entries } = parseSaved(await must(dialectOf(family).save, []), ours);
      return chains.size + entries.length > 0;
    },
    async mostChains(family) {
      const version = await must(dialectOf(family).restore, ['--version']);
      return version.includes('nf_tables') ? MOST_CHAINS : Number.POSITIVE_INFINITY;
    },
    async restore(family, text) {
      await must(dialectOf(family).restore, ['--noflush', '-w', String(LOCK_SECONDS)], text);
    },
  };
}

/** Why rules cannot be kept here, as a sentence; undefined where they can. */
export async function iptablesObstacle(netns?: string): Promise<string | undefined> {
  try {
    // Reading the table already asks for the rights to change it.
    await iptablesCommands(netns).save('IPv4', 'nat', 'EVK');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
