// The drivers that packets are measured with: how each is made for a namespace of the benchmark, and what it needs there.
// Knows nothing of what is measured.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountPoints } from '../../src/lib/sys/mounts.ts';
import type { L4Driver } from '../../src/traffic/kernel/contract.ts';
import { createEbpfDriver } from '../../src/traffic/kernel/ebpf/driver/ebpf-driver.ts';
import { createIptablesDriver } from '../../src/traffic/kernel/iptables/driver.ts';
import { createNftablesDriver } from '../../src/traffic/kernel/nftables/driver.ts';
import { createUserspaceDriver } from '../../src/traffic/kernel/userspace/driver.ts';

export const DRIVERS = ['nftables', 'iptables', 'ebpf', 'userspace'] as const;
export type MeasuredDriver = (typeof DRIVERS)[number];

/** Most Services that one is measured among: those of user space are a socket each. */
export const MOST_SERVICES: Readonly<Partial<Record<MeasuredDriver, number>>> = { userspace: 1_000 };

const options = { owner: 'bench', warn: (message: string) => console.error(message) };

export function createMeasured(name: MeasuredDriver, cgroup: string): L4Driver {
  switch (name) {
    case 'nftables':
      return createNftablesDriver(options);
    case 'iptables':
      return createIptablesDriver(options);
    case 'userspace':
      return createUserspaceDriver(options);
    case 'ebpf':
      return createEbpfDriver({ ...options, cgroup, beneath: createNftablesDriver(options) });
  }
}

/**
 * A control group with this process in it for the time of `work`, where the driver serves sockets by groups; an empty
 * name for others. `ip netns exec` gives a mount namespace of its own, so that a mount goes with the process.
 */
export async function inGroup<T>(name: MeasuredDriver, work: (folder: string) => Promise<T>): Promise<T> {
  if (name !== 'ebpf') return await work('');
  const root = mountPoints('cgroup2')[0] ?? mounted();
  const folder = join(root, `evenkeel-bench-${process.pid}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
  try {
    return await work(folder);
  } finally {
    writeFileSync(join(root, 'cgroup.procs'), String(process.pid));
    rmdirSync(folder);
  }
}

function mounted(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-cgroup-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'cgroup2', 'none', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`No cgroup2 file system can be mounted: ${stderr.trim()}`);
  process.once('exit', () => {
    spawnSync('umount', [folder]);
    rmdirSync(folder);
  });
  return folder;
}
