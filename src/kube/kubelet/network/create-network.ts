// The pod network of a node from a few options: our own plugins, or those of a directory.
// Knows every part of this folder; none of them knows it.
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { BridgePlugin } from './builtin/bridge-plugin.ts';
import { HostPortsPlugin } from './builtin/host-ports-plugin.ts';
import { Ipam } from './builtin/ipam.ts';
import { AttachmentStore } from './cni/attachments.ts';
import { loadNetworkList } from './cni/config-dir.ts';
import { execPlugins } from './cni/exec-plugin.ts';
import type { NetworkList } from './cni/network-list.ts';
import { withOwnIpamDir } from './cni/own-ipam.ts';
import type { CniPlugin, FindPlugin } from './cni/plugin.ts';
import { CniRuntime } from './cni/runtime.ts';
import { readPlugins, writePlugins } from './cni/written-plugins.ts';
import { createCommands, endEarlierCommands } from './commands.ts';
import { Names } from './netns/names.ts';
import { NodeSettings } from './netns/node-settings.ts';
import { PodNamespaces } from './netns/pod-namespaces.ts';
import { NetnsNetwork } from './netns-network.ts';
import type { PodNetwork } from './pod-network.ts';

/** Directories of real plugins and of what they are told; `--cni-conf` and `--cni-bin`. */
export interface CniOptions {
  /** The first file of it, by name, that ends in .conflist, .conf or .json is the pods' network; e.g. `/etc/cni/net.d`. */
  readonly confDir: string;
  /** Where plugins are looked for, in this order; e.g. `/opt/cni/bin`, `/usr/lib/cni`. */
  readonly binDirs: readonly string[];
}

export interface NetnsNetworkOptions {
  /**
   * Whose namespaces, links and rules these are: unique among the kubelets of a machine and the same at every start of
   * this one. Up to 40 lower-case letters, digits and dashes, e.g. `ek-1f3a-node-1`.
   */
  readonly owner: string;
  /** Remembers what pods have got, for the next run. */
  readonly stateDir: string;
  /** The node's ranges, one a family, the primary first, e.g. `10.244.1.0/24`, `fd00:10:244:1::/64`. */
  readonly podCidrs: readonly string[];
  /** Real plugins instead of the built-in ones. */
  readonly cni?: CniOptions;
  /** Bytes of the largest packet; that of the node's way out when left out. Real plugins have their own. */
  readonly mtu?: number;
  /** File of the node's network namespace; the one of this process when left out. */
  readonly nodeNetns?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The built-in network as a list like any other. */
const BUILTIN_LIST: NetworkList = {
  name: 'evenkeel',
  versions: ['1.1.0'],
  disableCheck: false,
  disableGC: false,
  loadOnlyInlinedPlugins: true,
  plugins: [
    { type: 'evenkeel-bridge', capabilities: { ips: true, mac: true } },
    { type: 'evenkeel-host-ports', capabilities: { portMappings: true } },
  ],
};

/** Makes nothing in the network yet; throws when an option cannot be used. Needs root (or CAP_NET_ADMIN and CAP_SYS_ADMIN), `ip`, `nft`. */
export function createNetnsNetwork(options: NetnsNetworkOptions): PodNetwork {
  const { stateDir, podCidrs, cni, clock, log } = options;
  const names = new Names(options.owner);
  const commands = createCommands(clock, options.owner, options.nodeNetns);
  // Also beside real ones: an earlier run may have used them, and a list of others may name them.
  const builtin = builtinPlugins(options, names, commands);
  const external = execPlugins({ binDirs: cni?.binDirs ?? readPlugins(stateDir)?.cni.binDirs ?? [], commands });
  const find: FindPlugin = (type) => builtin.get(type) ?? external(type);
  const attachments = new AttachmentStore(join(stateDir, 'attachments'));
  if (cni !== undefined) writePlugins(stateDir, { owner: options.owner, podCidrs, cni });
  return new NetnsNetwork({
    name: cni === undefined ? 'bridge' : 'cni',
    names,
    namespaces: new PodNamespaces(names, commands),
    attachments,
    runtime: new CniRuntime(find),
    list: () =>
      cni === undefined ? BUILTIN_LIST : withOwnIpamDir(loadNetworkList(cni.confDir), join(stateDir, 'ipam')),
    podCidrs,
    endEarlier: () => endEarlierCommands(clock, options.owner),
    closePlugins: async () => {
      for (const plugin of builtin.values()) await plugin.close?.();
    },
    clock,
    log,
  });
}

function builtinPlugins(
  { stateDir, podCidrs, mtu }: NetnsNetworkOptions,
  names: Names,
  commands: ReturnType<typeof createCommands>,
): Map<string, CniPlugin> {
  const bridge = new BridgePlugin({
    names,
    ipam: new Ipam(join(stateDir, 'addresses'), podCidrs),
    commands,
    settings: new NodeSettings(join(stateDir, 'settings.json'), commands),
    ...(mtu === undefined ? {} : { mtu }),
  });
  return new Map<string, CniPlugin>([
    ['evenkeel-bridge', bridge],
    ['evenkeel-host-ports', new HostPortsPlugin(names, commands)],
  ]);
}
