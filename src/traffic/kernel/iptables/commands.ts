// The programs iptables-save and iptables-restore, of either family, in a network namespace.
// Knows text and exit codes; what the text says is the driver's matter.
import { spawn } from 'node:child_process';
import type { Family } from '#lib/ip.ts';
import type { TableName } from './port-chains.ts';
import { parseSaved, type SavedTable } from './table-state.ts';
import { dialectOf } from './words.ts';

const TIMEOUT_MS = 120_000;
/** Seconds that another program may hold the lock of the older iptables. */
const LOCK_SECONDS = 5;

export interface IptablesCommands {
  save(family: Family, table: TableName, prefix: string): Promise<SavedTable>;
  /** One transaction. Rejects with what was refused. */
  restore(family: Family, text: string): Promise<void>;
}

/** `netns`: path of the network namespace to work in. */
export function iptablesCommands(netns?: string): IptablesCommands {
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
  return {
    async save(family, table, ours) {
      return parseSaved(await run([...prefix, dialectOf(family).save, '-t', table], ''), ours);
    },
    async restore(family, text) {
      await run([...prefix, dialectOf(family).restore, '--noflush', '-w', String(LOCK_SECONDS)], text);
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

function run(command: readonly string[], input: string): Promise<string> {
  const [program = '', ...args] = command;
  const named = command.find((word) => word.endsWith('-save') || word.endsWith('-restore')) ?? program;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => {
      if (errors.length < 2_048) errors += bytes.toString();
    });
    child.stdin.on('error', () => {});
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(`${program} is not installed (Debian package "iptables")`) : error);
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`${named} failed: ${errors.trim().slice(0, 300) || (signal ?? code)}`));
    });
    child.stdin.end(input);
  });
}
