// The program `nft`: one transaction, or one question, a call.
// Knows nothing of tables and rules; text goes in, text comes out.
import { programsIn } from '../programs.ts';

export class NftError extends Error {
  /** What the kernel said, e.g. "No such file or directory". */
  readonly reason: string;

  constructor(doing: string, reason: string) {
    super(`${doing} failed: ${reason}`);
    this.name = 'NftError';
    this.reason = reason;
  }
}

export interface Nft {
  /** All of it is in force, or nothing is. Rejects with an `NftError`. */
  transaction(text: string): Promise<void>;
  /** What `nft` prints as JSON; undefined when the object is not there. */
  list(...what: readonly string[]): Promise<readonly NftObject[] | undefined>;
}

/** An object of libnftables-json(5), by its kind: `{ "chain": { ... } }`. */
export type NftObject = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

const MISSING = 'No such file or directory';

/** Whether something that was named is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof NftError && error.reason.includes(MISSING);
}

/** `netns`: path of the network namespace to work in. */
export function createNft(netns?: string): Nft {
  const run = programsIn(netns);
  const nft = async (args: readonly string[], input: string, doing: string): Promise<string> => {
    const { code, stdout, stderr } = await run('nft', args, input).catch((error: Error) => {
      throw new NftError(doing, error.message);
    });
    if (code === 0) return stdout;
    throw new NftError(doing, firstLines(stderr) || `nft ended with ${code ?? 'a signal'}`);
  };
  return {
    async transaction(text) {
      await nft(['-f', '-'], text, 'Change of the nftables rules');
    },
    async list(...what) {
      try {
        const text = await nft(['--json', '--numeric', 'list', ...what], '', 'Reading nftables');
        return (JSON.parse(text) as { nftables: readonly NftObject[] }).nftables;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}

/** Errors come with the line that they are about, which may be endless. */
function firstLines(errors: string): string {
  return errors
    .split('\n')
    .filter((line) => line.includes('Error') || line.includes('denied') || line.includes('permitted'))
    .slice(0, 3)
    .map((line) => line.slice(0, 300))
    .join('; ');
}

/** Why rules cannot be kept here, as a sentence; undefined where they can. */
export async function nftObstacle(netns?: string): Promise<string | undefined> {
  try {
    // A transaction that changes nothing, but that only who may change rules is allowed.
    await createNft(netns).transaction('add table ip evenkeel-probe\ndelete table ip evenkeel-probe\n');
    return undefined;
  } catch (error) {
    return error instanceof NftError ? error.reason : String(error);
  }
}
