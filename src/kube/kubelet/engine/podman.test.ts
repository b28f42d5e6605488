// Real containers: an image made of one static binary, run by podman through its socket, alone and beside processes.
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
import type { ContainerSpec, Isolation } from '../runtime.ts';
import { RuntimeChoice } from '../runtime-choice.ts';
import { engineContract } from './engine.contract.ts';
import { EngineRuntime } from './engine-runtime.ts';
import { engineObstacle, startTestEngine, type TestEngine } from './testing.ts';

engineContract('podman');

describe.runIf(kernelAllows(engineObstacle('podman'), 'containers of podman beside processes'))(
  'beside processes',
  () => {
    const name = `localhost/evenkeel-test-beside-${process.pid}:1`;
    const dir = tempDir('beside');
    let engine: TestEngine;
    let runtime: RuntimeChoice;
    let images: Record<'process' | 'podman', Image>;
    beforeAll(async () => {
      engine = await startTestEngine('podman', dir.path);
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
      images = { process: await ensure('sh'), podman: await ensure(name) };
    }, 60_000);
    afterAll(async () => {
      await runtime?.sweep();
      await runtime?.releasePod('shared');
      await engine?.close();
      dir.remove();
    }, 60_000);

    let starts = 0;
    const logOf = (container: string): string => join(dir.path, 'logs', `${container}.log`);
    const start = async (image: Image, script: string, pid: Isolation['pid'], sees?: string) => {
      starts += 1;
      const spec: ContainerSpec = {
        podUid: pid === 'pod' ? 'shared' : 'apart',
        podName: 'pod',
        namespace: 'default',
        name: `c${starts}`,
        sandbox: { hostname: 'pod', podIps: [], isolation: { pid, ipc: 'container', sysctls: {} } },
        image,
        command: ['sh', '-c', script],
        workingDir: '/',
        env: { PATH: process.env.PATH ?? '' },
        mounts: [],
        ...(sees === undefined ? {} : { sees }),
        logPath: logOf(`c${starts}`),
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
    const LOOK = 'cat /proc/[0-9]*/cmdline';
    const STAY = ': the one to see; while :; do sleep 0.05; done';

    test.each([
      ['process', 'podman'],
      ['podman', 'process'],
    ] as const)(
      'a %s is seen by a container of %s that is to see it, and by no other',
      async (target, other) => {
        const { running } = await start(images[target], STAY, 'container');
        const blind = await start(images[other], LOOK, 'container');
        const seeing = await start(images[other], LOOK, 'container', running.id);
        await Promise.all([blind.running.exited, seeing.running.exited]);
        expect(blind.log()).not.toContain('the one to see');
        expect(seeing.log()).toContain('the one to see');
        running.signal('SIGKILL');
        await running.exited;
      },
      60_000,
    );

    test('those of a pod that shares its processes see each other', async () => {
      const { running } = await start(images.podman, STAY, 'pod');
      for (const image of Object.values(images)) {
        const look = await start(image, LOOK, 'pod');
        await look.running.exited;
        expect(look.log()).toContain('the one to see');
      }
      running.signal('SIGKILL');
      await running.exited;
    }, 60_000);
  },
);
