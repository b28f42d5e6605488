// Where the plugin "host-local" remembers which addresses are in use: with the node, and not in a directory of the machine.
// Pure: from one configuration list to another.
import type { NetworkList, PluginConfig } from './network-list.ts';

/**
 * `dir` for every host-local that names no `dataDir`: its own default, /var/lib/cni/networks, is never emptied, and is one
 * for all nodes of a machine.
 */
export function withOwnIpamDir(list: NetworkList, dir: string): NetworkList {
  return { ...list, plugins: list.plugins.map((plugin) => withDir(plugin, dir)) };
}

function withDir(plugin: PluginConfig, dir: string): PluginConfig {
  const { ipam } = plugin;
  if (typeof ipam !== 'object' || ipam === null) return plugin;
  const { type, dataDir } = ipam as { type?: unknown; dataDir?: unknown };
  return type === 'host-local' && (dataDir === undefined || dataDir === '')
    ? { ...plugin, ipam: { ...ipam, dataDir: dir } }
    : plugin;
}
