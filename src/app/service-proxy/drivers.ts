// The drivers that a service proxy can run with, best first; a new one is a line here.
// Knows why one cannot run on this machine, not what it does.
import type { DriverName, DriverOptions, L4Driver } from '#traffic/kernel/contract.ts';
import type { Scheduler } from '#traffic/kernel/ipvs/table.ts';
import { Failure, messageOf } from '../failure.ts';

export interface ProxyDriverOptions extends DriverOptions {
  /** Of `ipvs`. */
  readonly scheduler?: Scheduler;
  /** Of `ebpf`: folder of the control group whose sockets are served; the root of version 2 when left out. */
  readonly cgroup?: string;
}

interface Choice {
  readonly name: DriverName;
  /** Why it cannot run here, as a sentence. */
  obstacle(netns: string | undefined): Promise<string | undefined>;
  create(options: ProxyDriverOptions): Promise<L4Driver>;
  /** Whether an earlier run left something of it in this network namespace. Loads no part of the kernel to find out. */
  left(options: DriverOptions): Promise<boolean>;
  /** Removes that, when it is more than for the driver to be created and to end. */
  clear?(options: DriverOptions): Promise<void>;
  /** Taken by `auto`. */
  readonly automatic: boolean;
  /** It ends stale UDP flows itself; those of others are the business of the kernel's connection tracking. */
  readonly endsFlows?: true;
}

const CHOICES: readonly Choice[] = [
  {
    name: 'nftables',
    automatic: true,
    obstacle: async (netns) => (await import('#traffic/kernel/nftables/nft.ts')).nftObstacle(netns),
    create: async (options) => (await import('#traffic/kernel/nftables/driver.ts')).createNftablesDriver(options),
    left: async (options) => (await import('#traffic/kernel/nftables/left-behind.ts')).nftablesLeft(options),
  },
  {
    name: 'iptables',
    automatic: true,
    obstacle: async (netns) => (await import('#traffic/kernel/iptables/commands.ts')).iptablesObstacle(netns),
    create: async (options) => (await import('#traffic/kernel/iptables/driver.ts')).createIptablesDriver(options),
    left: async (options) => (await import('#traffic/kernel/iptables/driver.ts')).iptablesLeft(options),
  },
  {
    name: 'ipvs',
    automatic: false,
    obstacle: async (netns) => (await import('#traffic/kernel/ipvs/tools.ts')).ipvsObstacle(netns),
    create: async (options) => (await import('#traffic/kernel/ipvs/driver.ts')).createIpvsDriver(options),
    left: async (options) => (await import('#traffic/kernel/ipvs/driver.ts')).ipvsLeft(options),
  },
  {
    name: 'ebpf',
    // It sees the sockets of the whole machine, which nobody should be given unasked.
    automatic: false,
    obstacle: ebpfObstacle,
    create: createEbpf,
    // Programs of another network namespace may be those of a proxy that runs there.
    left: async (options) => (await import('#traffic/kernel/ebpf/driver/ebpf-driver.ts')).ebpfLeft(options) === 'here',
    clear: async (options) => (await import('#traffic/kernel/ebpf/driver/ebpf-driver.ts')).forgetEbpf(options),
  },
  {
    name: 'userspace',
    automatic: true,
    endsFlows: true,
    obstacle: async (netns) => (await import('#traffic/kernel/userspace/driver.ts')).userspaceObstacle(netns),
    create: async (options) => (await import('#traffic/kernel/userspace/driver.ts')).createUserspaceDriver(options),
    left: async (options) => (await import('#traffic/kernel/userspace/driver.ts')).userspaceLeft(options),
  },
];

/** What works beneath another one. */
const BENEATH: Partial<Readonly<Record<DriverName, DriverName>>> = { ebpf: 'nftables' };

async function ebpfObstacle(netns: string | undefined): Promise<string | undefined> {
  const { cgroupRoot, ebpfObstacle } = await import('#traffic/kernel/ebpf/driver/ebpf-driver.ts');
  if (netns !== undefined) return 'it serves the sockets of the whole machine, which is more than this node';
  if (cgroupRoot() === undefined) return 'no cgroup2 file system is mounted';
  return ebpfObstacle() ?? (await import('#traffic/kernel/nftables/nft.ts')).nftObstacle(netns);
}

/** Over the nftables driver. */
async function createEbpf(options: ProxyDriverOptions): Promise<L4Driver> {
  const { cgroupRoot, createEbpfDriver } = await import('#traffic/kernel/ebpf/driver/ebpf-driver.ts');
  const { createNftablesDriver } = await import('#traffic/kernel/nftables/driver.ts');
  const cgroup = options.cgroup ?? cgroupRoot() ?? '';
  return createEbpfDriver({ ...options, cgroup, beneath: createNftablesDriver(options) });
}

const REMEDIES: Readonly<Record<Mode, string>> = {
  auto: 'Run as root (CAP_NET_ADMIN), with nftables installed',
  nftables: 'Run as root (CAP_NET_ADMIN), with nftables installed, or choose another --mode',
  iptables: 'Run as root (CAP_NET_ADMIN), with iptables installed, or choose another --mode',
  ipvs: 'Run as root, with ipvsadm and ipset, on a kernel that has the module ip_vs, or choose another --mode',
  ebpf: 'Run as root, with control groups of version 2 mounted, in the network of the machine, or choose another --mode',
  userspace: 'Install the optional package koffi, or choose another --mode',
};

export type Mode = 'auto' | DriverName;

export const MODES: readonly Mode[] = ['auto', ...CHOICES.map(({ name }) => name)];

export interface ChosenDriver {
  readonly driver: L4Driver;
  /** For people: why this one. */
  readonly reason: string;
  readonly endsFlows: boolean;
}

/** Throws a `Failure` where the wanted one, or none, can run. */
export async function chooseDriver(mode: Mode, options: ProxyDriverOptions): Promise<ChosenDriver> {
  const obstacles: string[] = [];
  for (const choice of CHOICES) {
    if (mode === 'auto' ? !choice.automatic : choice.name !== mode) continue;
    const obstacle = await choice.obstacle(options.netns);
    if (obstacle === undefined) {
      const reason = mode === 'auto' ? ['the first that this machine allows', ...obstacles].join('; ') : 'as asked for';
      return { driver: await choice.create(options), reason, endsFlows: choice.endsFlows ?? false };
    }
    obstacles.push(`${choice.name}: ${obstacle}`);
  }
  const what = mode === 'auto' ? 'No driver can run here' : `Driver ${mode} cannot run here`;
  throw new Failure(`${what}: ${obstacles.join('; ')}`, REMEDIES[mode]);
}

export interface Cleared {
  readonly driver: DriverName;
  /** `removed` what it had left; there was `nothing`; or why nobody can tell. */
  readonly outcome: 'removed' | 'nothing' | { readonly obstacle: string };
}

/**
 * Removes what earlier runs with another driver than `current` left in the kernel, or with any, or with `only` that
 * one. Needs root. Rejects with what the kernel refused.
 */
export async function clearLeft(
  { current, only }: { readonly current?: DriverName; readonly only?: DriverName },
  options: DriverOptions,
): Promise<readonly Cleared[]> {
  const stays = current === undefined ? [] : [current, BENEATH[current]];
  const cleared: Cleared[] = [];
  for (const choice of CHOICES) {
    if (stays.includes(choice.name) || (only !== undefined && choice.name !== only)) continue;
    cleared.push({ driver: choice.name, outcome: await clearOne(choice, options) });
  }
  return cleared;
}

async function clearOne(choice: Choice, options: DriverOptions): Promise<Cleared['outcome']> {
  let left: boolean;
  try {
    left = await choice.left(options);
  } catch (error) {
    return { obstacle: messageOf(error) };
  }
  if (!left) return 'nothing';
  if (choice.clear === undefined) await (await choice.create(options)).close();
  else await choice.clear(options);
  return 'removed';
}
