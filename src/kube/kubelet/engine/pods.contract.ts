// What holds in pods that have networks of their own, also where an engine's containers and processes are in one pod.
// Run by the tests of each engine.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { Image } from '../image/image-service.ts';
import { MappedImages } from '../image/mapped-images.ts';
import { ProcessRuntime } from '../process/process-runtime.ts';
import { runtimeContract } from '../runtime.contract.ts';
import type { ContainerSpec, Isolation, RunningContainer } from '../runtime.ts';
import { RuntimeChoice } from '../runtime-choice.ts';
import type { EngineKind } from './dialect.ts';
import { EngineRuntime } from './engine-runtime.ts';
import { engineObstacle, startTestEngine, type TestEngine } from './testing.ts';

export function podsContract(kind: EngineKind): void {
  const wanted = `pods of ${kind}`;
  describe.runIf(kernelAllows(engineObstacle(kind), wanted))(`pods of ${kind}`, () => podsTests(kind));
}

const LOOK = 'cat /proc/[0-9]*/cmdline';
const STAY = ': the one to see; while :; do sleep 0.05; done';

function podsTests(kind: EngineKind): void {
  const name = `localhost/evenkeel-test-beside-${process.pid}:1`;
  const netns = `evk-beside-${kind}-${process.pid}`;
  const dir = tempDir('beside');
  let engine: TestEngine;
  let runtime: RuntimeChoice;
  let images: Record<'process' | 'engine', Image>;
  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', netns]);
    engine = await startTestEngine(kind, dir.path);
    engine.build(name);
    const common = { clock: systemClock, log: silentLogger };
    const mapped = new MappedImages(() => ({ sh: { command: ['sh'] } }));
    const processes = new ProcessRuntime({ dataDir: join(dir.path, 'kubelet'), images: mapped, keep: [], ...common });
    const owner = `beside-${process.pid}`;
    runtime = new RuntimeChoice(
      processes,
      new EngineRuntime({ engine: engine.engine, owner, ...common }),
      (all) => all,
    );
    const ensure = (image: string) => runtime.images.ensure({ image, pullPolicy: 'Never', task: false, ports: [] });
    images = { process: await ensure('sh'), engine: await ensure(name) };
  }, 60_000);
  afterAll(async () => {
    await runtime?.sweep();
    for (const uid of pods) await runtime?.releasePod(uid);
    await engine?.close();
    execFileSync('ip', ['netns', 'delete', netns]);
    dir.remove();
  }, 60_000);

  runtimeContract(async () => {
    const isolation = { pid: 'container', ipc: 'container', sysctls: {} } as const;
    const where = { isolation, netns: `/run/netns/${netns}`, workingDir: '/' };
    return { runtime, image: images.engine, mounts: true, rights: true, ...where };
  });

  let starts = 0;
  const pods = new Set<string>();
  const start = async (
    image: Image,
    script: string,
    { podUid = 'apart', sees, ...isolation }: Partial<Isolation> & { podUid?: string; sees?: string } = {},
  ) => {
    starts += 1;
    pods.add(podUid);
    const spec: ContainerSpec = {
      podUid,
      podName: 'pod',
      namespace: 'default',
      name: `c${starts}`,
      sandbox: {
        hostname: 'pod',
        podIps: [],
        netns: `/run/netns/${netns}`,
        isolation: { pid: 'container', ipc: 'container', sysctls: {}, ...isolation },
      },
      image,
      command: ['sh', '-c', script],
      workingDir: '/',
      env: { PATH: process.env.PATH ?? '' },
      mounts: [],
      ...(sees === undefined ? {} : { sees }),
      logPath: join(dir.path, 'logs', `c${starts}.log`),
      limits: { cpuShares: 2 },
      podLimits: { cpuShares: 2 },
      oomScoreAdj: 0,
      security: {
        groups: [],
        groupsOfImage: true,
        privileged: false,
        capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'],
        noNewPrivileges: false,
        readOnlyRoot: false,
        unmaskedProc: false,
      },
    };
    return { running: await runtime.start(spec), log: () => readFileSync(spec.logPath, 'utf8') };
  };
  /** What the script says, from its start to its end. */
  const words = async (...args: Parameters<typeof start>): Promise<string> => {
    const { running, log } = await start(...args);
    await running.exited;
    return log();
  };
  const end = async (running: RunningContainer): Promise<void> => {
    running.signal('SIGKILL');
    await running.exited;
  };
  /** docker joins namespaces of its own containers only. */
  const joins = kind === 'podman';

  test.each([
    ['process', 'engine'],
    ['engine', 'process'],
  ] as const)(
    'a container (%s) is seen by another (%s) that is to see it, and by no other',
    async (target, other) => {
      const { running } = await start(images[target], STAY);
      expect(await words(images[other], LOOK)).not.toContain('the one to see');
      const seeing = words(images[other], LOOK, { sees: running.id });
      if (joins || other === 'process') expect(await seeing).toContain('the one to see');
      else
        await expect(seeing).rejects.toThrow(/docker shows a container only the processes of containers that docker/);
      await end(running);
    },
    60_000,
  );

  test('those of a pod that shares its processes see each other, or are told why not', async () => {
    const pod = { podUid: 'shared', pid: 'pod' } as const;
    const { running } = await start(images.engine, STAY, pod);
    expect(await words(images.engine, LOOK, pod)).toContain('the one to see');
    const other = words(images.process, LOOK, pod);
    if (joins) expect(await other).toContain('the one to see');
    else await expect(other).rejects.toThrow(/for shareProcessNamespace take images of docker/);
    await end(running);
  }, 60_000);

  test('those of a pod share their memory', async () => {
    const pod = { podUid: 'memory', ipc: 'pod' } as const;
    await words(images.process, 'echo from a process > /dev/shm/one', pod);
    await words(images.engine, 'echo from an engine > /dev/shm/two', pod);
    for (const image of [images.process, images.engine]) {
      expect(await words(image, 'cat /dev/shm/one /dev/shm/two', pod)).toMatch(/from a process.*\n.*from an engine/);
    }
    const namespace = async (image: Image): Promise<string | undefined> =>
      /ipc:\[\d+\]/.exec(await words(image, 'ls -l /proc/self/ns/ipc', pod))?.[0];
    const [process, first, second] = [
      await namespace(images.process),
      await namespace(images.engine),
      await namespace(images.engine),
    ];
    expect(second).toBe(first);
    if (joins) expect(first).toBe(process);
  }, 60_000);

  test('kernel parameters of a pod are set', async () => {
    const sysctls = { 'net.ipv4.ip_unprivileged_port_start': '77' };
    const script = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start';
    expect(await words(images.engine, script, { sysctls })).toMatch(/ 77\n/);
  }, 60_000);
}
