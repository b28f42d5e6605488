// Open streams of real processes, plain ones and those apart from the machine: exec, attach and their terminals.
import { join } from 'node:path';
import { describe } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { MappedImages } from '../image/mapped-images.ts';
import type { Isolation } from '../runtime.ts';
import { streamsContract } from '../streams.contract.ts';
import { ProcessRuntime } from './process-runtime.ts';

function runtimeIn(dir: string): ProcessRuntime {
  return new ProcessRuntime({
    dataDir: join(dir, 'kubelet'),
    images: new MappedImages(() => ({})),
    keep: [process.execPath],
    clock: systemClock,
    log: silentLogger,
  });
}

const image = { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false };

describe('plain processes', () => {
  streamsContract(async (dir) => ({ runtime: runtimeIn(dir), image, hangsUp: true }));
});

const probe = tempDir('isolation');
const obstacle = await runtimeIn(probe.path).isolationObstacle();
probe.remove();
describe.runIf(kernelAllows(obstacle, 'streams of containers apart from the machine'))(
  'containers apart from the machine',
  () => {
    const isolation: Isolation = { pid: 'container', ipc: 'container', sysctls: {} };
    streamsContract(async (dir) => ({ runtime: runtimeIn(dir), image, isolation, hangsUp: true }));
  },
);
