// The eBPF driver over the nftables driver, as the contract suite makes it: everything follows from the owner's name.
// Knows no row of the suite.
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriverOptions, L4Driver } from '../../contract.ts';
import { createNftablesDriver } from '../../nftables/driver.ts';
import { attachedPrograms } from '../bpf/link.ts';
import { cgroupRoot, createEbpfDriver } from '../driver/ebpf-driver.ts';
import { CALLS } from '../programs/programs.ts';

const bpfFolder = (owner: string): string => join(tmpdir(), `${owner}-bpf`);
const groupPath = (owner: string): string => join(cgroupRoot() ?? '', owner);

/** The control group of the node and its pods; made when it is not there. */
export function groupOf(owner: string): string {
  mkdirSync(groupPath(owner), { recursive: true });
  return groupPath(owner);
}

export function removeGroup(owner: string): void {
  if (existsSync(groupPath(owner))) rmdirSync(groupPath(owner));
}

export function createForContract(options: DriverOptions): L4Driver {
  const owner = options.owner ?? '';
  return createEbpfDriver({
    ...options,
    beneath: createNftablesDriver(options),
    cgroup: groupOf(owner),
    bpfFolder: bpfFolder(owner),
    capacities: { fronts: 1 << 14, sets: 1 << 12, slots: 1 << 18, clients: 1 << 12, flows: 1 << 12, reverse: 1 << 14 },
  });
}

/** What is left of the driver outside of network namespaces. */
export function leftOf(owner: string): string[] {
  const folder = bpfFolder(owner);
  const programs = CALLS.flatMap((call) => attachedPrograms(groupPath(owner), call).map(() => call));
  return [...(existsSync(folder) ? readdirSync(folder) : []), ...programs];
}

/** The folder of names of objects that the programs hang on. */
export function pinsOf(owner: string): string {
  return join(bpfFolder(owner), `evenkeel-${owner}`);
}
