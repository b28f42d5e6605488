// Groups of this machine's kernel with real processes in them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { joinSteps } from '../process/enter.ts';
import { processStartTime } from '../process/proc.ts';
import type { Cgroups, ContainerCgroup } from './cgroups.ts';
import { openCgroups } from './open.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-cgroups-'));
const open = (): Promise<Cgroups | undefined> => openCgroups({ dataDir, nodeName: 'n1', clock: systemClock });
const cgroups = await open();
const obstacle = cgroups?.memory === true && cgroups.cpu ? undefined : 'no control groups may be used here';

const EAT = 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1))';
const POD = { cpuShares: 1024, pids: 64 };
const children: ChildProcess[] = [];

function run(group: ContainerCgroup, script: string): ChildProcess {
  const child = spawn('/bin/sh', ['-c', `${joinSteps(group.join)}\n${script}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  return child;
}

describe.runIf(kernelAllows(obstacle, 'limits by control groups'))('control groups', () => {
  const groups = cgroups as Cgroups;

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await groups.sweep();
    groups.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('a process past its memory limit is ended by the kernel, which is known afterwards', async () => {
    const group = groups.container('1', 'eater', { cpuShares: 2, memoryBytes: 24 << 20 }, POD);
    const eater = run(group, `exec ${process.execPath} -e '${EAT}'`);
    expect(await once(eater, 'exit')).toEqual([null, 'SIGKILL']);
    expect(group.oomKills()).toBeGreaterThan(0);
    await group.remove();
    expect(group.dirs.filter(existsSync)).toEqual([]);
    expect(groups.container('1', 'eater', { cpuShares: 2 }, POD).oomKills()).toBe(0);
  });

  test('a pod without memory loses the container that takes it, and no other', async () => {
    const pod = { ...POD, memoryBytes: 96 << 20 };
    const quiet = groups.container('6', 'quiet', { cpuShares: 2 }, pod);
    const group = groups.container('6', 'eater', { cpuShares: 2 }, pod);
    const neighbour = run(quiet, 'echo ready; exec sleep 300');
    await once(neighbour.stdout as NonNullable<typeof neighbour.stdout>, 'data');
    const eater = run(group, `exec ${process.execPath} -e '${EAT}'`);
    expect(await once(eater, 'exit')).toEqual([null, 'SIGKILL']);
    expect(group.oomKills()).toBeGreaterThan(0);
    expect([quiet.oomKills(), neighbour.exitCode, neighbour.signalCode]).toEqual([0, null, null]);
    await groups.removePod('6');
    expect([...quiet.dirs, ...group.dirs].filter(existsSync)).toEqual([]);
  });

  test('everything in a group is ended, also what left its session, and the group with it', async () => {
    const group = groups.container('2', 'main', { cpuShares: 2 }, POD);
    const child = run(group, 'setsid sleep 300 & echo ready; wait');
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    const pids = group.pids();
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await group.remove();
    expect(pids.filter((pid) => processStartTime(pid) !== undefined)).toEqual([]);
    expect(group.dirs.filter(existsSync)).toEqual([]);
    await groups.removePod('2');
  });

  test('readings grow with what is used', async () => {
    const group = groups.container('3', 'main', { cpuShares: 2 }, POD);
    const script = 'const all = Buffer.alloc(64 << 20, 1); console.log(all.length); setInterval(() => {}, 1000)';
    const child = run(group, `exec ${process.execPath} -e '${script}'`);
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    const { cpuNanos = 0, workingSetBytes = 0, rssBytes = 0 } = group.read();
    expect(cpuNanos).toBeGreaterThan(1_000_000);
    expect(rssBytes).toBeGreaterThan(64 << 20);
    expect(workingSetBytes).toBeGreaterThan(64 << 20);
    await group.remove();
  });

  test('a pod has no more processes than it may, however many it asks for', async () => {
    const group = groups.container('4', 'bomb', { cpuShares: 2 }, { cpuShares: 2, pids: 20 });
    // Bounded by itself as well: at most 200 attempts.
    const bomb = run(group, 'i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i+1)); done; echo done; wait');
    const out = bomb.stdout as NonNullable<typeof bomb.stdout>;
    await Promise.race([once(out, 'data'), once(bomb, 'exit')]);
    expect(group.pids().length).toBeLessThanOrEqual(20);
    await group.remove();
    await groups.removePod('4');
  });

  test('what a crash left is ended by the next opening', async () => {
    const group = groups.container('5', 'main', { cpuShares: 2 }, POD);
    const child = run(group, "trap '' TERM; echo ready; sleep 300");
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    const exited = once(child, 'exit');
    await open();
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(group.dirs.filter(existsSync)).toEqual([]);
  });
});
