// What the machine unmounts while a container starts, on the real kernel. Knows the plan and a shell that follows it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { isolationObstacle } from '../testing.ts';
import type { HostMount } from './host-mounts.ts';
import { planRoot } from './root-plan.ts';
import { makeScratch } from './scratch.ts';

/** Not below /tmp, which a container has for itself. */
const base = mkdtempSync(join(homedir(), '.evenkeel-vanished-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let starts = 0;

/** The root of a container, from inside. */
function enter(hostMounts: readonly HostMount[], script: string): string {
  const scratch = join(base, `scratch-${++starts}`);
  makeScratch(scratch);
  const { files, steps } = planRoot({
    scratch,
    // The disk of this machine may not hold what overlays write.
    upperInMemory: true,
    hostMounts,
    hidden: [],
    hiddenThere: [],
    fresh: ['tmp', 'run'],
    mounts: [],
    cgroups: undefined,
    shm: undefined,
    hostIpc: false,
    readOnly: true,
    privileged: false,
    devices: ['null'],
    proc: { readOnly: [], hidden: [] },
    passable: [],
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(scratch, name), text);
  const all = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', 'sh', '-ec'];
  const [command = '', ...args] = [...all, [...steps, script].join('\n')];
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe.runIf(kernelAllows(await isolationObstacle(), 'roots of containers'))('the root of a container', () => {
  test('stands without what the machine has unmounted and removed meanwhile', () => {
    const gone = { point: join(base, 'gone'), overlay: true };
    const there = { point: base, overlay: true };
    expect(enter([there, gone, { point: join(base, 'bound'), overlay: false }], 'ls /dev/null; cat /proc/1/comm')).toBe(
      '/dev/null\nsh\n',
    );
  });

  test('does not stand without what is there and cannot be mounted', () => {
    const file = join(base, 'file');
    writeFileSync(file, '');
    expect(() => enter([{ point: file, overlay: true }], 'true')).toThrow(/mount/);
  });
});
