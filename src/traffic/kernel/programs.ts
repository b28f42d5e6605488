// Runs the programs by which the kernel's tables are read and changed, in a network namespace: text goes in, text comes out.
// Knows where Debian has them, and nothing of what they are told.
import { spawn } from 'node:child_process';

/** Longer than any change takes: tens of thousands of Services need many seconds on a busy machine. */
const TIMEOUT_MS = 120_000;
/** No tool that refuses something says more that helps. */
const MAX_COMPLAINT = 4_096;

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when a signal ended it: SIGKILL after two minutes. */
  readonly code: number | undefined;
}

/** Resolves however the program ends, and rejects where it cannot be started. */
export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<ProgramResult>;

/** `netns`: path of the network namespace to work in. */
export function programsIn(netns: string | undefined): RunProgram {
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
  return (program, args, input = '') =>
    new Promise((resolve, reject) => {
      const [file = '', ...rest] = [...prefix, program, ...args];
      // A group of its own, which ends as a whole: what a shell has started holds our pipes as well.
      const child = spawn(file, rest, { detached: true });
      const timer = setTimeout(() => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      }, TIMEOUT_MS);
      const out: Buffer[] = [];
      let stderr = '';
      child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
      child.stderr.on('data', (bytes: Buffer) => {
        if (stderr.length < MAX_COMPLAINT) stderr += bytes.toString();
      });
      child.stdin.on('error', () => {});
      child.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(error.code === 'ENOENT' ? missing(file) : error);
      });
      child.on('close', (code) => {
        clearTimeout(timer);
        // As nsenter tells of it, in any language.
        if (code === 127 && netns !== undefined && stderr.startsWith('nsenter:')) reject(missing(program));
        else resolve({ stdout: Buffer.concat(out).toString(), stderr, code: code ?? undefined });
      });
      child.stdin.end(input);
    });
}

/** Names of packages where they are not the program's. */
const PACKAGES: readonly (readonly [RegExp, string])[] = [
  [/^nft$/, 'nftables'],
  [/^ip6?tables/, 'iptables'],
  [/^ip$/, 'iproute2'],
  [/^nsenter$/, 'util-linux'],
];

function missing(program: string): Error {
  const name = PACKAGES.find(([pattern]) => pattern.test(program))?.[1] ?? program;
  return new Error(`${program} is not installed (Debian package "${name}")`);
}
