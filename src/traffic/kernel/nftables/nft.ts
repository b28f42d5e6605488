// The program `nft`: one transaction, or one question, a call.
// Knows nothing of tables and rules; text goes in, text comes out.
import { spawn } from 'node:child_process';

/** Longer than any transaction takes: 45,000 Services need a few seconds on a busy machine. */
const TIMEOUT_MS = 60_000;

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
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
  return {
    async transaction(text) {
      await run([...prefix, 'nft', '-f', '-'], text, 'Change of the nftables rules');
    },
    async list(...what) {
      try {
        const text = await run([...prefix, 'nft', '--json', '--numeric', 'list', ...what], '', 'Reading nftables');
        return (JSON.parse(text) as { nftables: readonly NftObject[] }).nftables;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}

function run([program = '', ...args]: readonly string[], input: string, doing: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => {
      if (errors.length < 4_096) errors += bytes.toString();
    });
    child.stdin.on('error', () => {});
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? `${program} is not installed (Debian package "nftables")` : error.message;
      reject(new NftError(doing, why));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new NftError(doing, firstLines(errors) || `nft ended with ${signal ?? code}`));
    });
    child.stdin.end(input);
  });
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
