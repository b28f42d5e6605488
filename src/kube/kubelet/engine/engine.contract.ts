// What podman and docker have to keep alike: the contracts of all runtimes, and what is said of images.
// Run by the tests of each, which are files of their own so that they run side by side.
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { type Image, ImageError } from '../image/image-service.ts';
import { runtimeContract } from '../runtime.contract.ts';
import type { ContainerSpec, Isolation } from '../runtime.ts';
import { streamsContract } from '../streams.contract.ts';
import type { EngineKind } from './dialect.ts';
import { EngineRuntime } from './engine-runtime.ts';
import { engineObstacle, startTestEngine, type TestEngine } from './testing.ts';

export function engineContract(kind: EngineKind): void {
  describe.runIf(kernelAllows(engineObstacle(kind), `containers of ${kind}`))(kind, () => engineTests(kind));
}

function engineTests(kind: EngineKind): void {
  const name = `localhost/evenkeel-test-${process.pid}:1`;
  const dir = tempDir('engine');
  let engine: TestEngine;
  let runtime: EngineRuntime;
  let image: Image;
  beforeAll(async () => {
    engine = await startTestEngine(kind, dir.path);
    engine.build(name);
    const owner = `test-${process.pid}`;
    runtime = new EngineRuntime({ engine: engine.engine, owner, clock: systemClock, log: silentLogger });
    image = await runtime.images.ensure({ image: name, pullPolicy: 'IfNotPresent', task: false, ports: [] });
  }, 60_000);
  afterAll(async () => {
    await engine?.close();
    dir.remove();
  }, 60_000);

  runtimeContract(async () => ({ runtime, image, workingDir: '/', mounts: true, rights: true }));
  streamsContract(async () => ({ runtime, image, hangsUp: false }));

  test('without a network of its own a pod has what is the node’s when it asks, and is told what it cannot have', async () => {
    const logPath = join(dir.path, 'host.log');
    const start = (asked: Isolation) =>
      runtime.start({
        ...specOf(image, ['sh', '-c', 'ls -l /proc/self/ns/pid /proc/self/ns/ipc'], logPath),
        sandbox: { hostname: 'pod', podIps: [], asked },
      });
    const host = await start({ pid: 'host', ipc: 'host', sysctls: {} });
    await host.exited;
    const said = readFileSync(logPath, 'utf8');
    for (const kind of ['pid', 'ipc']) expect(said).toContain(readlinkSync(`/proc/self/ns/${kind}`));
    expect(host.notes).toEqual([]);
    const shared = await start({ pid: 'pod', ipc: 'pod', sysctls: {} });
    expect(shared.notes).toMatchObject([{ reason: 'ProcessesNotShared', message: expect.stringContaining('netns') }]);
    await shared.exited;
  }, 60_000);

  test('tells what the image starts with', async () => {
    expect(await runtime.images.ensure({ image: name, pullPolicy: 'Never', task: false, ports: [] })).toMatchObject({
      entrypoint: ['/bin/sh'],
      args: ['-c', 'echo default'],
      env: { FROM_IMAGE: 'yes' },
      workingDir: '/',
      engine: true,
    });
  });

  test('an image that is not there is said to be so, by each policy in its words', async () => {
    const missing = { image: 'localhost/evenkeel-none:1', task: false, ports: [] };
    await expect(runtime.images.ensure({ ...missing, pullPolicy: 'Never' })).rejects.toMatchObject({
      reason: 'ErrImageNeverPull',
    });
    const pull = runtime.images.ensure({ ...missing, pullPolicy: 'IfNotPresent' });
    await expect(pull).rejects.toBeInstanceOf(ImageError);
    await expect(pull).rejects.toMatchObject({ reason: 'ErrImagePull', message: expect.stringContaining(kind) });
  }, 60_000);
}

function specOf(image: Image, command: readonly string[], logPath: string): ContainerSpec {
  return {
    podUid: 'host',
    podName: 'pod',
    namespace: 'default',
    name: 'main',
    sandbox: { hostname: 'pod', podIps: [] },
    image,
    command,
    workingDir: '/',
    env: { PATH: '/bin' },
    mounts: [],
    logPath,
    limits: { cpuShares: 2 },
    podLimits: { cpuShares: 2 },
    oomScoreAdj: 0,
    security: {
      groups: [],
      groupsOfImage: true,
      privileged: false,
      capabilities: [],
      noNewPrivileges: false,
      readOnlyRoot: false,
      unmaskedProc: false,
    },
  };
}
