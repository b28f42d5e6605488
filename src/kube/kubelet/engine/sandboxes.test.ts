// What the containers of a pod join in docker: how long it lives, and who hears of its end.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { ContainerSpec } from '../runtime.ts';
import { apiPrefix } from './dialect.ts';
import { rememberEngine, sweepEngine } from './left.ts';
import { sandboxProgram } from './sandbox-program.ts';
import { EngineSandboxes } from './sandboxes.ts';
import { engineObstacle, startTestEngine, type TestEngine } from './testing.ts';

test.each([
  ['amd64', 62],
  ['arm64', 183],
])('the program for %s is an executable of that processor, which fits its one segment', (architecture, machine) => {
  const program = Buffer.from(sandboxProgram(architecture) ?? []);
  expect(program.toString('latin1', 0, 4)).toBe('\x7fELF');
  expect(program.readUInt16LE(18)).toBe(machine);
  expect(Number(program.readBigUInt64LE(96))).toBe(program.length);
  expect(sandboxProgram('vax')).toBeUndefined();
});

describe.runIf(kernelAllows(engineObstacle('docker'), 'sandboxes of docker'))('a sandbox', () => {
  const netns = `evk-sandbox-${process.pid}`;
  const file = `/run/netns/${netns}`;
  const owner = `sandbox-${process.pid}`;
  const dir = tempDir('sandbox');
  const lost: string[] = [];
  let engine: TestEngine;
  let sandboxes: EngineSandboxes;
  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', netns]);
    engine = await startTestEngine('docker', dir.path);
    const { api } = engine.engine;
    const told = { lost: (uid: string) => lost.push(uid), clock: systemClock, log: silentLogger };
    sandboxes = new EngineSandboxes({ api, owner, ...told });
  }, 60_000);
  afterAll(async () => {
    for (const uid of ['one', 'two', 'none']) await sandboxes?.release(uid);
    await engine?.close();
    execFileSync('ip', ['netns', 'delete', netns]);
    dir.remove();
  }, 60_000);

  const pod = (podUid: string): ContainerSpec =>
    ({ podUid, podName: 'pod', namespace: 'default', name: 'main', sandbox: { hostname: 'pod', podIps: [] } }) as never;
  const inspect = (id: string) =>
    engine.engine.api.json<{ State: { Pid: number; Running: boolean } }>(
      'GET',
      `${apiPrefix('docker')}/containers/${id}/json`,
    );
  const kill = (id: string) => engine.engine.api.json('POST', `${apiPrefix('docker')}/containers/${id}/kill`);

  test('is in the network of its pod, one for all that ask, until it is released', async () => {
    const [first, second] = await Promise.all([sandboxes.of(pod('one'), file), sandboxes.of(pod('one'), file)]);
    expect(second).toBe(first);
    const { State } = await inspect(first);
    expect(statSync(`/proc/${State.Pid}/ns/net`).ino).toBe(statSync(file).ino);
    expect(await sandboxes.hasEnded('one')).toBe(false);
    await sandboxes.release('one');
    await expect(inspect(first)).rejects.toMatchObject({ status: 404 });
    expect(lost).toEqual([]);
  }, 30_000);

  test('that ends by itself is told of once, and another takes its place', async () => {
    const first = await sandboxes.of(pod('two'), file);
    await kill(first);
    await eventually('its end is known', () => expect(lost).toEqual(['two']));
    expect(await sandboxes.hasEnded('two')).toBe(false);
    const second = await sandboxes.of(pod('two'), file);
    expect(second).not.toBe(first);
    expect((await inspect(second)).State.Running).toBe(true);
  }, 30_000);

  test('that a killed kubelet has left is ended with its node', async () => {
    const left = await sandboxes.of(pod('left'), file);
    rememberEngine(dir.path, { engine: engine.engine.api.socketPath, owner });
    sandboxes.forgetAll();
    expect(await sweepEngine(dir.path, systemClock)).toBeGreaterThan(0);
    await expect(inspect(left)).rejects.toMatchObject({ status: 404 });
    expect(await sweepEngine(dir.path, systemClock)).toBe(0);
  }, 30_000);

  test('that cannot get into the network of the pod says so', async () => {
    await expect(sandboxes.of(pod('none'), '/dev/null')).rejects.toThrow(
      "failed to start the pod's sandbox in docker: it cannot enter the pod's network: invalid argument",
    );
  }, 30_000);
});
