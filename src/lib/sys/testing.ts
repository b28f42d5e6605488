// What tests of system calls ask of the machine: koffi, root, and a network namespace of their own.
// Knows no test.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { libcObstacle } from './libc.ts';

/** Why kernel tests cannot run here; undefined where they can. */
export function privilegedObstacle(): string | undefined {
  if (libcObstacle() !== undefined) return libcObstacle();
  if (process.getuid?.() !== 0) return 'this is not root';
  if (spawnSync('ip', ['-V']).status !== 0) return 'ip is not installed';
  return undefined;
}

/** A name nobody else uses, short enough for an interface. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

/** Runs `ip` with the words of `line`; throws with what it said. */
export function ip(line: string): string {
  const run = spawnSync('ip', line.split(' '), { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`ip ${line} failed: ${run.stderr.trim()}`);
  return run.stdout;
}

/** A network namespace with its loopback interface up; remove it by `ip netns del NAME`. */
export function addNamespace(prefix: string): string {
  const name = uniqueName(prefix);
  ip(`netns add ${name}`);
  ip(`-n ${name} link set lo up`);
  return name;
}
