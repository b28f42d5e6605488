// Whose names are taken away when a driver ends that has never served: on a real bpf file system, by real maps.
// No program is tied to anything.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import type { L4Driver } from '../../contract.ts';
import { BpfMap } from '../bpf/map.ts';
import { pin } from '../bpf/pin.ts';
import { bpfObstacle } from '../testing/obstacle.ts';
import { createEbpfDriver, forgetEbpf } from './ebpf-driver.ts';
import { openPinFolder, type PinFolder } from './pin-folder.ts';

const nobody: L4Driver = {
  name: 'userspace',
  apply: async () => {},
  cut: async () => {},
  verify: async () => ({ restored: 0, removed: 0 }),
  close: async () => {},
};

describe.runIf(kernelAllows(bpfObstacle(), 'names of eBPF objects'))('an eBPF driver that never served', () => {
  let base: string;
  let folder: PinFolder;
  let map: BpfMap;
  const bpfFolder = (): string => join(base, 'bpf');
  const close = (): Promise<void> =>
    createEbpfDriver({ cgroup: '/', owner: 'test', bpfFolder: bpfFolder(), beneath: nobody, warn: () => {} }).close();

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'evenkeel-pins-'));
    folder = openPinFolder(bpfFolder(), 'test');
    map = BpfMap.create({ name: 'kept', type: 'array', keySize: 4, valueSize: 4, capacity: 1 });
    pin(map.fd, join(folder.path, 'kept'));
  });
  afterEach(() => {
    map.close();
    if (existsSync(bpfFolder())) forgetEbpf({ bpfFolder: bpfFolder(), owner: 'test' });
    rmSync(base, { recursive: true, force: true });
  });

  it('leaves alone what a proxy in another network namespace has', async () => {
    mkdirSync(join(folder.path, 'netns_1'));
    await close();
    expect(readdirSync(folder.path).sort()).toEqual(['kept', 'netns_1']);
  });

  it('takes away what an earlier run left in its own, and what it mounted', async () => {
    folder.claim();
    await close();
    expect(existsSync(bpfFolder())).toBe(false);
  });

  it('takes away folders of any name, as another run may make one at any time', () => {
    folder.claim();
    mkdirSync(join(folder.path, 'made_meanwhile'));
    folder.remove();
    expect(existsSync(bpfFolder())).toBe(false);
  });
});
