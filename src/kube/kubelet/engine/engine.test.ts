// Real containers: an image made of one static binary, run by podman through its socket.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { ImageError } from '../image/image-service.ts';
import { runtimeContract } from '../runtime.contract.ts';
import { EngineRuntime } from './engine-runtime.ts';
import { type OpenEngine, openEngine } from './open.ts';

const BUSYBOX = '/bin/busybox';

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'containers with limits need root';
  if (spawnSync('podman', ['--version']).status !== 0) return 'podman is not installed';
  if (!existsSync(BUSYBOX)) return 'busybox-static is not installed';
  return undefined;
}

/** An image that holds a shell and nothing else; removed with its name. */
function buildImage(name: string): void {
  const dir = mkdtempSync(join(tmpdir(), 'evenkeel-image-'));
  copyFileSync(BUSYBOX, join(dir, 'busybox'));
  writeFileSync(
    join(dir, 'Containerfile'),
    'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/sleep\nCOPY busybox /bin/cat\nENV FROM_IMAGE=yes\nWORKDIR /\nENTRYPOINT ["/bin/sh"]\nCMD ["-c", "echo default"]\n',
  );
  const { status, stderr } = spawnSync('podman', ['build', '--quiet', '--tag', name, dir], { encoding: 'utf8' });
  rmSync(dir, { recursive: true, force: true });
  if (status !== 0) throw new Error(`podman build failed: ${stderr}`);
}

describe.skipIf(!kernelAllows(obstacle(), 'containers of podman'))('podman', () => {
  const image = `localhost/evenkeel-test-${process.pid}:1`;
  let engine: OpenEngine;
  let runtime: EngineRuntime;
  afterAll(() => {
    engine?.close();
    spawnSync('podman', ['rmi', '--force', image]);
  });

  runtimeContract(async (dir) => {
    buildImage(image);
    engine = await openEngine('podman', dir, systemClock);
    runtime = new EngineRuntime({
      engine,
      owner: `test-${process.pid}`,
      clock: systemClock,
      log: silentLogger,
    });
    const found = await runtime.images.ensure({ image, pullPolicy: 'IfNotPresent', task: false, ports: [] });
    return { runtime, image: found, workingDir: '/', mounts: true, rights: true };
  });

  test('tells what the image starts with', async () => {
    expect(await runtime.images.ensure({ image, pullPolicy: 'Never', task: false, ports: [] })).toMatchObject({
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
    await expect(pull).rejects.toMatchObject({ reason: 'ErrImagePull', message: expect.stringContaining('podman') });
  }, 60_000);
});
