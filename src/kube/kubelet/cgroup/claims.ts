// Whose groups are whose: a file for each node of this machine, locked as long as its kubelet lives.
// Knows files and their locks; what is in a group is none of its business.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import { readText } from './files.ts';

/** Gone with the machine's next start, as groups are. */
export const CLAIMS_DIR = '/run/evenkeel/cgroups';
/** Somebody who removes what the dead left is done well before; milliseconds. */
const PATIENCE_MS = 10_000;
const STEP_MS = 20;

/** Held until its release, or until this process ends in whatever way: the kernel gives the lock back then. */
export interface Claim {
  /** What is to be known of the groups once their owner is dead. */
  describe(text: string): void;
  /** What its last owner told; empty when it had not come to it. */
  text(): string;
  /** Nothing of the groups is left. */
  release(): void;
  /** Something is left: another start may look at it again. */
  leave(): void;
}

/** A lock is a process's own, so that whoever opens twice here has it already. */
const held = new Map<string, Claim>();

/**
 * Waits for those who just remove what an earlier owner left. `undefined` where no claims can be made: without rights to
 * /run, or without the program flock. Throws when the owner lives.
 */
export async function claimGroups(node: string, clock: Clock): Promise<Claim | undefined> {
  const file = join(CLAIMS_DIR, `${createHash('sha256').update(node).digest('hex').slice(0, 16)}.json`);
  for (let waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
    const claim = held.get(file) ?? (await lock(file, true));
    if (claim !== 'taken') return claim;
    await new Promise<void>((resolve) => void clock.after(STEP_MS, resolve));
  }
  throw new Error(`Control groups "${node}" belong to another process that runs: end it first`);
}

/** Claims whose owners are dead, now ours. One that is gone, or taken by somebody else meanwhile, is left out. */
export async function claimAbandoned(): Promise<Claim[]> {
  let names: string[];
  try {
    names = readdirSync(CLAIMS_DIR).filter((name) => name.endsWith('.json'));
  } catch {
    // Nobody has made groups on this machine yet.
    return [];
  }
  const files = names.map((name) => join(CLAIMS_DIR, name)).filter((file) => !held.has(file));
  const claims = await Promise.all(files.map((file) => lock(file, false)));
  return claims.filter((claim) => claim !== undefined && claim !== 'taken');
}

async function lock(file: string, make: boolean): Promise<Claim | 'taken' | undefined> {
  const fd = open(file, make);
  if (fd === undefined) return undefined;
  const exitCode = await lockProgram(fd);
  if (exitCode !== 0) {
    closeSync(fd);
    return exitCode === 1 ? 'taken' : undefined;
  }
  // Its last owner may have removed it before the lock was ours.
  if (statSync(file, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) {
    closeSync(fd);
    return make ? await lock(file, true) : undefined;
  }
  const end = (): void => {
    held.delete(file);
    closeSync(fd);
  };
  const claim: Claim = {
    describe: (text) => writeFileSync(file, text),
    text: () => readText(file) ?? '',
    release: () => {
      if (held.get(file) !== claim) return;
      rmSync(file, { force: true });
      end();
    },
    leave: () => {
      if (held.get(file) === claim) end();
    },
  };
  held.set(file, claim);
  return claim;
}

function open(file: string, make: boolean): number | undefined {
  try {
    if (make) mkdirSync(CLAIMS_DIR, { recursive: true, mode: 0o755 });
    return openSync(file, make ? 'a' : 'r+', 0o600);
  } catch {
    // Somebody else's, or gone: nothing is known of it then.
    return undefined;
  }
}

/** The lock belongs to the open file, which stays ours when the program has ended. 1: somebody else has it. */
function lockProgram(fd: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn('flock', ['--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    child.once('error', () => resolve(127));
    child.once('exit', (code) => resolve(code ?? 127));
  });
}
