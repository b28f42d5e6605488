// Network namespaces of pods: made ready for plugins and containers, found again by name, removed.
// Knows `ip netns` and the settings of a fresh namespace; puts no interface into it.
import { readdirSync, statfsSync } from 'node:fs';
import type { Commands } from '../commands.ts';
import type { Names } from './names.ts';

const DIRECTORY = '/run/netns';
/** File system of namespace files; a plain file is what is left of a namespace after its mount has gone. */
const NSFS_MAGIC = 0x6e736673;

/**
 * Loopback up, as plugins and containers expect it. Unprivileged ports and pings as containerd sets them. No router
 * advertisements and no duplicate address detection: addresses are given by us, and must be usable at once.
 */
const PREPARE = `
cd /proc/sys/net
echo 0 > ipv4/ip_unprivileged_port_start
echo '0 2147483647' > ipv4/ping_group_range
if [ -e ipv6/conf ]; then
  for name in all default; do echo 0 > ipv6/conf/$name/accept_dad; echo 0 > ipv6/conf/$name/accept_ra; done
fi
ip link set lo up
`;

export class PodNamespaces {
  readonly #names: Names;
  readonly #commands: Commands;

  constructor(names: Names, commands: Commands) {
    this.#names = names;
    this.#commands = commands;
  }

  path(name: string): string {
    return `${DIRECTORY}/${name}`;
  }

  async create(name: string): Promise<void> {
    const inside = `nsenter --net='${this.path(name)}' sh -es`;
    await this.#commands.script(`ip netns add '${name}'\n${inside} <<'END'\n${PREPARE}END\n`);
  }

  /** Whether it is there and is one. */
  exists(name: string): boolean {
    try {
      return statfsSync(this.path(name)).type === NSFS_MAGIC;
    } catch {
      return false;
    }
  }

  /** Harmless when there is none. */
  async remove(name: string): Promise<void> {
    if (this.list().includes(name)) await this.#commands.must(['ip', 'netns', 'delete', name]);
  }

  /** Names of all that are ours, alive or not. */
  list(): string[] {
    try {
      return readdirSync(DIRECTORY).filter((name) => name.startsWith(this.#names.netnsPrefix));
    } catch {
      // Nobody has made a named namespace on this machine yet.
      return [];
    }
  }
}
